"""A network of PyTorch's, loaded from ONNX, is saved like one of our own, and exported again."""

import io

import numpy as np
import pytest
from helpers.graph_cases import trained

pytest.importorskip("torch")
pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from torch_networks import export, network  # noqa: E402

import minicnn  # noqa: E402
from minicnn import onnx  # noqa: E402

CASES = [("alexnet", 9), ("mobilenet", 17), ("dilated", 17), ("resnet", None), ("unet", None), ("norms", None)]


@pytest.mark.parametrize("name, opset", CASES)
def test_it_stays_what_it_is(name, opset, tmp_path):
    model, shape = network(name)
    ours = onnx.load(export(model, shape, tmp_path / "model.onnx", dynamo=opset is None, opset=opset))
    file = io.BytesIO()
    minicnn.save(ours, file)
    file.seek(0)
    again = minicnn.load(file)
    x = minicnn.randn(3, *shape)
    assert again.state_dict().keys() == ours.state_dict().keys()
    assert np.array_equal(ours(x).array, again(x).array)
    exported = onnxruntime.InferenceSession(onnx.export(again).SerializeToString())
    np.testing.assert_allclose(exported.run(None, {"input": x.array})[0], ours(x).array, rtol=1e-4, atol=2e-6)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(trained(ours, x.array, 2), trained(again, x.array, 2), strict=True))
