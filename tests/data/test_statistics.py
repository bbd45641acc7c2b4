"""Statistics of a data set: each planted defect is found, and nothing is found where nothing was planted."""

import json
import time

import numpy as np
import pytest
from PIL import Image

from minicnn import data, errors
from minicnn.data.balance import balanced_sampler, compute_class_weight, imbalance_ratio
from minicnn.data.duplicates import find_duplicates, near_pairs, thumbnails
from minicnn.data.statistics import describe, find_blank, find_outliers
from minicnn.data.survey import survey


def scenes(n=40, size=24, channels=1, seed=0):
    """Smooth random images, each different: (N, C, H, W) uint8."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 255, (n, channels, 6, 6)).astype(np.float32)
    grown = np.kron(rough, np.ones((size // 6, size // 6), np.float32))
    return np.clip(grown * 0.7 + 30 + rng.normal(0, 2, grown.shape), 0, 255).astype(np.uint8)


def described(images, labels=None, test=None, classes=4):
    labels = np.arange(len(images)) % classes if labels is None else labels
    parts = {"train": (images, labels)}
    if test is not None:
        parts["test"] = (test, np.arange(len(test)) % classes)
    return describe(parts, [f"class {k}" for k in range(classes)], "planted")


def test_nothing_is_found_in_clean_images():
    found = described(scenes(), test=scenes(20, seed=1))
    assert not found.duplicates.groups and not len(found.duplicates.pairs) and not len(found.leaks) and not len(found.blank)
    assert not len(found.outliers) and found.counts["train"].tolist() == [10] * 4 and found.imbalance == {"train": 1.0, "test": 1.0}
    assert found.sizes == {"24x24": 60} and found.modes == {"L": 60}


def altered(image, how):
    """The same picture as another file could show it."""
    values = image.astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    changed = {"brighter": values * 0.9 + 20, "less contrast": values * 0.5 + 60, "noise": values + noise}.get(how)
    if changed is None:
        import io

        file = io.BytesIO()
        Image.fromarray(image[0]).save(file, "JPEG", quality=60)
        changed = np.asarray(Image.open(file))[None]
    return np.clip(changed, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("how", ["brighter", "less contrast", "noise", "jpeg"])
def test_an_altered_copy_in_the_test_part_is_leakage(how):
    images, test = scenes(), scenes(20, seed=1)
    test[7] = altered(images[12], how)
    found = described(images, test=test)
    assert found.duplicates.pairs.tolist() == [[12, 47]] == found.leaks.tolist()
    assert [found.where(i) for i in found.leaks[0]] == [("train", 12), ("test", 7)]


def test_equal_images_are_grouped_and_contradicting_labels_are_named():
    images = scenes()
    images[[5, 9]] = images[1]                      # labels 1, 1, 1 by index modulo 4
    images[30] = images[8]                          # label 2 against 0
    found = described(images)
    assert [group.tolist() for group in found.duplicates.groups] == [[1, 5, 9], [8, 30]]
    assert not len(found.duplicates.pairs)          # equal ones are not counted again
    assert found.contradictions.tolist() == [[8, 30]] and not len(found.leaks)


def test_no_pair_is_missed():
    """Against the correlation of all pairs, on images of which many are alike."""
    rng = np.random.default_rng(5)
    base = thumbnails(scenes(30, seed=3), (24, 24))
    images = np.concatenate([base + rng.normal(0, s, base.shape).astype(np.float32) for s in (0, 1, 3, 5, 8)] * 12)
    flat = images.reshape(len(images), -1) - images.reshape(len(images), -1).mean(1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    i, j = np.nonzero(np.triu(flat @ flat.T >= 0.99, 1))
    found = near_pairs(images)
    assert len(images) == 1800 and len(i) > 10000                    # more than one block
    assert set(map(tuple, found.tolist())) == set(zip(i.tolist(), j.tolist()))


def test_blank_images_are_found_and_are_no_duplicates_of_each_other_by_correlation():
    images = scenes()
    images[3], images[17] = 0, 200
    images[20] = 100 + np.random.default_rng(0).integers(0, 2, images[20].shape)
    found = described(images)
    assert found.blank.tolist() == [3, 17, 20] == find_blank(images).tolist()
    assert not len(found.duplicates.pairs)


def test_an_image_of_another_class_is_an_outlier():
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(60, 20, (200, 3, 8, 8)), 0, 255).astype(np.uint8)
    images[100:, :, :, :4] += 100
    labels = np.repeat([0, 1], 100)
    labels[42] = 1
    order, scores = find_outliers(images, labels)
    assert order.tolist() == [42] and scores[0] > 5


def test_channels_are_exact():
    images = scenes(30, channels=3)
    found = described(images)
    np.testing.assert_allclose(found.mean, images.mean((0, 2, 3)) / 255)
    np.testing.assert_allclose(found.std, images.std((0, 2, 3)) / 255)
    np.testing.assert_allclose(found.class_means[2], images[2::4].mean(0), rtol=1e-6)
    assert found.modes == {"RGB": 30}


def test_json_is_plain_and_says_how_many_there_are_of_a_long_list():
    images = np.repeat(scenes(60), 2, axis=0)
    found = described(images, labels=np.zeros(120, int))
    written = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert written["equal"]["number"] == 60 and len(written["equal"]["first"]) == 50 and written["equal"]["first"][1] == [["train", 2], ["train", 3]]
    assert written["imbalance_ratio"] == {"train": None} and written["counts"]["train"]["class 0"] == 120
    assert np.isnan(found.class_means[1]).all()


@pytest.mark.parametrize("parts, message", [
    ({}, "none at all"),
    ({"train": (scenes(4), np.arange(4)), "test": (scenes(4)[:0], np.arange(0))}, "test has 0"),
    ({"train": (scenes(4), np.array([0, 1, 2, 9]))}, "must be 0 to 3, got 0 to 9"),
    ({"train": (scenes(4), np.arange(4)), "test": (scenes(4, size=12), np.arange(4))}, "different shapes"),
    ({"train": (scenes(4) / 255, np.arange(4))}, "uint8"),
])
def test_what_cannot_be_described_is_refused(parts, message):
    with pytest.raises(errors.Error, match=message):
        describe(parts, list("abcd"))


def test_the_work_does_not_grow_with_the_square():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (12000, 1, 8, 8)).astype(np.uint8)
    start = time.perf_counter()
    find_duplicates(images)
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("sizes", [(5, 7), (8, 3), (1, 1)])
def test_thumbnails_keep_the_mean(sizes):
    images = scenes(3)
    np.testing.assert_allclose(thumbnails(images, sizes).mean((1, 2)), images.mean((1, 2, 3)), rtol=1e-5)


# Imbalance


def test_class_weights_are_scikit_learns():
    theirs = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight
    rng = np.random.default_rng(0)
    for _ in range(30):
        classes = np.arange(int(rng.integers(2, 6)))
        y = np.concatenate([classes, rng.choice(classes, 30)])
        weight = [None, rng.random(len(y))][rng.integers(2)]
        for how in ("balanced", None, {0: 2.0, 1: 0.5}, dict.fromkeys(classes.tolist(), 3.0)):
            np.testing.assert_allclose(compute_class_weight(how, classes=classes, y=y, sample_weight=weight),
                                       theirs(how, classes=classes, y=y, sample_weight=weight))
    names = np.array(["cat", "dog"])
    np.testing.assert_allclose(compute_class_weight("balanced", classes=names, y=["cat", "dog", "dog"]), [1.5, 0.75])
    for bad in (dict(class_weight="even", classes=classes, y=classes), dict(class_weight="balanced", classes=np.arange(2), y=[0, 1, 2]),
                dict(class_weight="balanced", classes=np.arange(3), y=[0, 1]), dict(class_weight={7: 1.0}, classes=np.arange(2), y=[0, 1])):
        with pytest.raises(ValueError):
            theirs(**bad)
        with pytest.raises(errors.BadValue):
            compute_class_weight(**bad)


def test_the_balanced_sampler_draws_all_classes_alike():
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    drawn = labels[list(balanced_sampler(labels, 6000))]
    assert (abs(np.bincount(drawn) - 2000) < 150).all()
    assert len(balanced_sampler(labels)) == 1000 and imbalance_ratio([900, 90, 10]) == 90


# Folders of files


@pytest.fixture
def folder(tmp_path):
    """Two classes, odd modes and sizes, and one file that is cut off."""
    for i, image in enumerate(scenes(12, channels=3)):
        path = tmp_path / "photos" / "train" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(path)
    test = tmp_path / "photos" / "test" / "cat"
    test.mkdir(parents=True)
    Image.open(tmp_path / "photos" / "train" / "cat" / "0.png").save(test / "copy.jpg", quality=90)
    Image.fromarray(scenes(1, seed=4)[0, 0]).resize((90, 50)).save(test / "grey.png")
    Image.fromarray(scenes(1, seed=5)[0, 0].astype(np.uint16) * 257).save(test / "deep.png")
    Image.fromarray(scenes(1, channels=3, seed=6)[0].transpose(1, 2, 0)).quantize(8).save(test / "palette.gif")
    whole = (tmp_path / "photos" / "train" / "cat" / "0.png").read_bytes()
    (test / "cut.png").write_bytes(whole[: len(whole) // 2])
    (test / ".hidden").write_bytes(b"")
    return tmp_path / "photos"


def test_a_folder_is_surveyed_file_by_file(folder):
    found = survey(folder)
    assert {name: images.shape for name, (images, _) in found.parts.items()} == {"train": (12, 3, 24, 24), "test": (4, 3, 24, 24)}
    assert found.classes == ["cat", "dog"] and found.parts["test"][1].tolist() == [0] * 4 and len(found.paths) == 16
    assert found.sizes == {"24x24": 15, "90x50": 1} and found.modes == {"RGB": 13, "L": 1, "I;16": 1, "P": 1}
    assert [path.endswith("cut.png") for path, _ in found.damaged] == [True]
    deep = found.parts["test"][0][[path.endswith("deep.png") for path in found.paths[12:]]]
    np.testing.assert_allclose(deep[0, 0], scenes(1, seed=5)[0, 0], atol=1)
    statistics = describe(found.parts, found.classes, sizes=found.sizes, modes=found.modes, damaged=found.damaged)
    assert [found.paths[i].rsplit("/", 1)[-1] for i in statistics.leaks[0]] == ["0.png", "copy.jpg"]


def test_folders_that_hold_nothing_are_refused(tmp_path):
    with pytest.raises(errors.DataError, match="there is no folder"):
        survey(tmp_path / "absent")
    (tmp_path / "cat").mkdir()
    with pytest.raises(errors.DataError, match="a folder for each class is needed"):
        survey(tmp_path)
    (tmp_path / "cat" / "x.png").write_bytes(b"no image")
    with pytest.raises(errors.DataError, match="none of the 1 files"):
        survey(tmp_path)


def test_the_digits_as_they_are():
    source = data.load("digits")
    found = describe({"all": (source.train_images, source.train_labels)}, source.classes)
    assert sum(found.counts["all"]) == 1797 and not found.duplicates.groups and found.imbalance["all"] == pytest.approx(183 / 174)


def test_a_folder_is_looked_at_as_it_is_trained_on(tmp_path):
    """Transparent, 16 bits, parts by their names and without any: the survey's images are those of the training."""
    clear = Image.new("RGBA", (24, 24), (0, 0, 0, 0))
    deep = Image.fromarray(scenes(1, seed=5)[0, 0].astype(np.uint16) * 257)
    for place in ("parts/training/cat", "parts/training/dog", "parts/valid/cat", "alone/train/cat", "alone/train/dog", "flat/train/x", "flat/bus/x"):
        (tmp_path / place).mkdir(parents=True)
        clear.save(tmp_path / place / "clear.png")
        deep.save(tmp_path / place / "deep.png")
    for name, parts, classes in (("parts", ["train", "validation"], ["cat", "dog"]), ("alone", ["all"], ["cat", "dog"]), ("flat", ["all"], ["bus", "train"])):
        found, trained = survey(tmp_path / name), data.load("folder", tmp_path / name)
        assert list(found.parts) == parts and found.classes == classes == list(trained.classes)
        np.testing.assert_array_equal(next(iter(found.parts.values()))[0], trained.train_images)


def test_an_image_between_once_and_twice_pillows_limit_is_refused_by_the_survey_too(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50 * 60)
    found = survey(folder)
    assert "limit of 3" in {path.rsplit("/", 1)[-1]: reason for path, reason in found.damaged}["grey.png"]
