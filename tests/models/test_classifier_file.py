"""The model file: what is loaded is what was saved, and what cannot have been saved is refused in one line."""

import numpy as np
import pytest

import minicnn
from minicnn import errors, models
from minicnn.models import Classifier
from minicnn.serialize import load, save

STYLE = {"background": "dark", "fill": 1.0}


def classifier():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 200, (50, 1, 12, 14)).astype(np.uint8)
    return Classifier.for_images("lenet5", images, ["a", "b", "c"], STYLE, {"dataset": "x"}), images


def test_round_trip(tmp_path):
    made, images = classifier()
    made.save(tmp_path / "model.mcnn")
    minicnn.manual_seed(99)
    loaded = Classifier.load(tmp_path / "model.mcnn")
    np.testing.assert_array_equal(loaded.probabilities(images), made.probabilities(images))
    for field in ("name", "arguments", "classes", "input_shape", "mean", "std", "style", "about"):
        assert getattr(loaded, field) == getattr(made, field), field


def test_input_is_normalised_whether_bytes_or_floats():
    made, images = classifier()
    normal = made.normalise(images)
    assert normal.dtype == np.float32
    np.testing.assert_allclose([normal.mean(), normal.std()], [0, 1], atol=1e-5)
    np.testing.assert_allclose(made.normalise(images / np.float32(255)), normal, atol=1e-5)


def test_constant_images_do_not_divide_by_zero():
    made = Classifier.for_images("small_cnn", np.zeros((3, 1, 8, 8), np.uint8), ["a", "b"], STYLE)
    assert np.isfinite(made.probabilities(np.zeros((1, 1, 8, 8), np.uint8))).all()


def test_many_images_are_classified_in_batches_as_if_one_by_one(monkeypatch):
    images = classifier()[1]
    made = Classifier.for_images("small_cnn", images, ["a", "b", "c"], STYLE)         # whose batch norm must not see the batch
    made.model.train()
    whole = made.probabilities(images)
    made.model.train()
    monkeypatch.setattr(models.classifier, "BATCH", 7)
    np.testing.assert_allclose(made.probabilities(images), whole, rtol=1e-5)
    np.testing.assert_allclose(whole.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("change", [
    {"kind": "other"}, {"extra": 1}, {"name": "lenet6"}, {"name": 3}, {"arguments": {"num_classes": 10**9}}, {"arguments": {"depth": 3}},
    {"arguments": {"num_classes": True}}, {"arguments": {"num_classes": 4}}, {"classes": []}, {"classes": [1, 2, 3]}, {"classes": ["a"]},
    {"input_shape": (1, 0, 5)}, {"input_shape": None}, {"input_shape": (2, 12, 14)}, {"mean": [float("nan")]}, {"mean": [0.1, 0.2]},
    {"std": [0.0]}, {"std": 1.0}, {"style": {"background": "green", "fill": 1.0}}, {"style": []}, {"about": None}, {"weights": None},
    {"weights": {}}, {"weights": {"x": 3}},
])
def test_other_files_are_refused(tmp_path, change):
    path = tmp_path / "model.mcnn"
    classifier()[0].save(path)
    save({**load(path), **change}, path)
    with pytest.raises(errors.DataError) as caught:
        Classifier.load(path)
    assert str(caught.value).startswith(f"{path} cannot be used as a classifier: ")


def test_a_state_dict_is_refused(tmp_path):
    save(models.lenet5().state_dict(), tmp_path / "weights.mcnn")
    with pytest.raises(errors.DataError, match="it holds something else"):
        Classifier.load(tmp_path / "weights.mcnn")


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype, scale", [(np.uint8, 255), (np.float64, 1)])
@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 1, 4, 5), (7, 3, 6, 2)])
def test_normalise_is_the_formula_bit_for_bit(shape, dtype, scale, channels_last):
    images = (np.random.default_rng(0).random(shape) * scale).astype(dtype)
    images = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) if channels_last else images
    mean, std = np.linspace(0.3, 0.6, shape[1]), np.linspace(0.2, 0.3, shape[1])
    classifier = Classifier("small_cnn", {"in_channels": shape[1]}, ["a", "b"], shape[1:], mean.tolist(), std.tolist(), STYLE)
    m, s = (np.asarray(v, np.float32).reshape(-1, 1, 1) * np.float32(scale) for v in (mean, std))
    found = classifier.normalise(images)
    assert found.dtype == np.float32 and found.shape == shape
    np.testing.assert_array_equal(found, (images.astype(np.float32) - m) / s)
