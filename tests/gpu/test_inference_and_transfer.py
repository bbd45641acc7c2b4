"""On "cuda": compiled for inference or opened from a file a model gives the same there, its features come to the CPU, and a new head is where
the old one was."""

import numpy as np
import pytest

import minicnn
from minicnn import models
from minicnn.train.images import Part
from minicnn.train.opening import open_classifier
from minicnn.train.results import evaluate_classifier

pytestmark = pytest.mark.gpu


def test_compiled_for_inference():
    minicnn.manual_seed(0)
    model = models.create("resnet20").eval()
    x = minicnn.randn(2, 3, 8, 8)
    with minicnn.no_grad():
        wanted = model(x).numpy()
    found = model.to("cuda").compile_for_inference()(x.to("cuda"))
    assert found.is_cuda
    np.testing.assert_allclose(found.cpu().numpy(), wanted, rtol=1e-3, atol=1e-4)


def test_features_and_heads():
    model = models.create("small_cnn")
    x = minicnn.randn(3, 1, 8, 8)
    wanted = models.features(model, x)
    model.to("cuda")
    np.testing.assert_allclose(models.features(model, x), wanted, rtol=1e-3, atol=1e-5)
    assert model.get_submodule(models.replace_head(model, 3)).weight.is_cuda
    assert model(x.to("cuda")).shape == (3, 3)


def test_a_file_s_network(tmp_path):
    """As minicnn evaluate and predict use it with --device cuda."""
    minicnn.save(models.create("small_cnn"), tmp_path / "m.mcnn", (1, 8, 8))
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8)).astype(np.uint8)
    wanted = open_classifier(tmp_path / "m.mcnn").probabilities(images)
    found = open_classifier(tmp_path / "m.mcnn", device="cuda")
    outcome = evaluate_classifier(found, Part(images, np.zeros(5, np.int64)))
    assert next(found.model.parameters()).is_cuda
    for probabilities in (found.probabilities(images), outcome.probabilities):
        np.testing.assert_allclose(probabilities, wanted, rtol=1e-3, atol=1e-5)
