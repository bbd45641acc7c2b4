"""`minicnn export`: onnxruntime tells the same classes of the same images as the model does."""

import json

import numpy as np
import pytest
from helpers.commands import refused, run

import minicnn
from minicnn.models import Classifier

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 12, 12), dtype=np.uint8)


@pytest.fixture
def saved(tmp_path):
    classifier = Classifier.for_images("vgg_small", IMAGES, ["a", "b", "c"], {"background": "dark", "fill": 0.0})
    classifier.save(tmp_path / "model.mcnn")
    return classifier, tmp_path


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_the_same_classes_of_the_same_images(saved, layout):
    classifier, folder = saved
    result = run("export", folder / "model.mcnn", folder / "m.onnx", "--layout", layout)
    assert result.exit_code == 0 and "-> logits (N, 3)" in result.output
    session = onnxruntime.InferenceSession(folder / "m.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["a", "b", "c"]
    given = IMAGES if layout == "NCHW" else np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1))
    logits = session.run(["logits"], {"images": given})[0]
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found, classifier.probabilities(IMAGES), atol=1e-5)


def test_any_network_is_exported(tmp_path):
    model = minicnn.models.lenet5(num_classes=2)
    minicnn.save(model, tmp_path / "net.mcnn")
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    result = run("export", tmp_path / "net.mcnn", tmp_path / "m.onnx", "--classes", tmp_path / "names.txt", "--mean", "0.5", "--std", "0.25")
    assert "(N, 28, 28, 1) -> logits (N, 2)" in result.output
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["cat", "dog"]
    image = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 1), dtype=np.uint8)
    given = minicnn.tensor(((image.transpose(0, 3, 1, 2) / 255 - 0.5) / 0.25).astype(np.float32))
    np.testing.assert_allclose(session.run(None, {"images": image})[0], model.eval()(given).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "x.mcnn").write_bytes(b"x")
    assert "x.mcnn" in refused("export", tmp_path / "x.mcnn", tmp_path / "m.onnx")
    assert "nowhere" in refused("export", tmp_path / "x.mcnn", tmp_path / "nowhere" / "m.onnx")
