"""What both of PyTorch's exporters write: the same outputs as PyTorch and onnxruntime, at any batch size, and the same training."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from torch_networks import NETWORKS, export, network  # noqa: E402

import minicnn  # noqa: E402
from minicnn.nn import functional as F  # noqa: E402
from minicnn.onnx import load  # noqa: E402

# Opsets that PyTorch cannot write a network in, for reasons of its own; and what onnxruntime cannot run.
NOT_WRITTEN = {("dilated", 9), ("unet", 9), ("norms", 13), ("norms", 17)}
NOT_RUN = {("dilated", 13), ("dilated", 17)}
CASES = [(name, opset) for name in NETWORKS for opset in (9, 13, 17, None) if (name, opset) not in NOT_WRITTEN]


def case(name, opset, folder, **options):
    """(PyTorch's network, ours from its file, the file, the shape of an image); opset None: by the newer exporter."""
    model, shape = network(name)
    path = export(model, shape, folder / "model.onnx", dynamo=opset is None, opset=opset, **options)
    return model, load(path), path, shape


@pytest.mark.parametrize("name, opset", CASES)
def test_outputs_are_pytorch_s_and_onnxruntime_s(name, opset, tmp_path):
    model, ours, path, shape = case(name, opset, tmp_path)
    session = None if (name, opset) in NOT_RUN else ort.InferenceSession(path)
    for batch in (1, 5):
        x = np.random.default_rng(batch).normal(size=(batch, *shape)).astype("float32")
        y = ours(minicnn.tensor(x)).detach().numpy()
        with torch.no_grad():
            np.testing.assert_allclose(y, model(torch.tensor(x)).numpy(), rtol=1e-4, atol=2e-6)
        if session:
            np.testing.assert_allclose(y, session.run(None, {"input": x})[0], rtol=1e-4, atol=2e-6)


# Training

def losses(model, library, loss, images, labels, steps=20):
    """The loss of each step of plain SGD with momentum."""
    optimizer = library.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    found = []
    for step in range(steps):
        x, y = (library.tensor(a[step % 4 * 8:][:8]) for a in (images, labels))
        value = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        found.append(value.item())
    return found


@pytest.mark.parametrize("name, opset", [("lenet", 17), ("vgg_bn", 13), ("resnet", 17), ("resnet", None), ("inception", None)])
def test_an_imported_network_trains_as_pytorch_s_does(name, opset, tmp_path):
    """Batch norm trains too: the exporter is asked to leave it apart."""
    model, ours, _, shape = case(name, opset, tmp_path, trainable=True)
    random = np.random.default_rng(0)
    images, labels = random.normal(size=(32, *shape)).astype("float32"), random.integers(0, 2, 32)
    model.train()
    ours.train()
    expected = losses(model, torch, lambda y, t: torch.nn.functional.cross_entropy(y.flatten(1), t), images, labels)
    np.testing.assert_allclose(losses(ours, minicnn, lambda y, t: F.cross_entropy(y.flatten(1), t), images, labels), expected, atol=1e-4)


def test_parameters_have_the_file_s_names(tmp_path):
    model, ours, *_ = case("resnet", 17, tmp_path, trainable=True)
    expected = {name: tuple(t.shape) for name, t in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert {name: tuple(t.shape) for name, t in ours.state_dict().items() if not name.endswith("num_batches_tracked")} == expected
    assert {name for name, _ in ours.named_parameters()} == {name for name, _ in model.named_parameters()}
