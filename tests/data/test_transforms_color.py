"""Colours, erasing, conversion, MixUp and CutMix."""

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import minicnn
from minicnn import arrays, nn
from minicnn.data import DataLoader, TensorDataset, default_collate
from minicnn.data import transforms as T
from minicnn.data.transforms import functional as F
from minicnn.tensor import wrap


def noise(*shape, dtype=np.float32):
    rng = np.random.default_rng(sum(shape))
    return rng.integers(0, 256, shape, dtype=np.uint8) if dtype is np.uint8 else rng.random(shape).astype(dtype)


# Colours

def test_brightness_contrast_and_saturation_by_hand():
    x = np.array([0.2, 0.4, 0.9], np.float32).reshape(3, 1, 1)
    grey = 0.2989 * 0.2 + 0.587 * 0.4 + 0.114 * 0.9
    for adjust, dull in ((F.adjust_brightness, 0), (F.adjust_contrast, grey), (F.adjust_saturation, grey)):
        np.testing.assert_allclose(adjust(wrap(x), 0.5).numpy(), 0.5 * x + 0.5 * dull, atol=1e-6)
        np.testing.assert_allclose(adjust(wrap(x), 2).numpy(), np.clip(2 * x - dull, 0, 1), atol=1e-6)
        np.testing.assert_allclose(adjust(wrap(x), 1).numpy(), x, rtol=1e-6)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
@settings(max_examples=20)
@given(factor=st.floats(0, 3))
def test_bytes_are_pillows_to_a_few_levels(name, factor):
    """Pillow's grey is rounded and has other weights in the third digit."""
    pixels, adjust = noise(9, 8, 3, dtype=np.uint8), getattr(F, f"adjust_{name}")
    theirs = np.asarray(adjust(Image.fromarray(pixels), factor)).astype(int)
    ours = adjust(wrap(pixels.transpose(2, 0, 1).copy()), factor).numpy().transpose(1, 2, 0)
    assert ours.dtype == np.uint8 and np.abs(ours.astype(int) - theirs).max() <= 2 + 2 * factor


@settings(max_examples=50)
@given(st.tuples(*[st.floats(0, 1, width=32)] * 3), st.floats(-0.5, 0.5))
def test_hue_is_that_of_the_standard_library(rgb, factor):
    hue, saturation, value = colorsys.rgb_to_hsv(*rgb)
    expected = colorsys.hsv_to_rgb((hue + factor) % 1, saturation, value)
    found = F.adjust_hue(wrap(np.array(rgb, np.float64).reshape(3, 1, 1)), factor).numpy().ravel()
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_hue_of_bytes_and_of_greys():
    red = np.zeros((3, 2, 2), np.uint8)
    red[0] = 255
    assert F.adjust_hue(wrap(red), 1 / 3).numpy()[:, 0, 0].tolist() == [0, 255, 0]
    assert F.adjust_hue(Image.new("RGB", (2, 2), "red"), 1 / 3).getpixel((0, 0)) == (0, 255, 0)
    grey = wrap(noise(1, 3, 3))
    assert F.adjust_hue(grey, 0.2).array is grey.array and F.adjust_hue(Image.new("L", (2, 2)), 0.2).mode == "L"


def test_greys():
    x = wrap(noise(2, 3, 4, 5))
    assert T.Grayscale()(x).shape == (2, 1, 4, 5) and T.Grayscale(3)(x).shape == (2, 3, 4, 5)
    assert T.Grayscale(3)(Image.new("RGB", (2, 2))).mode == "RGB" and T.Grayscale()(Image.new("RGB", (2, 2))).mode == "L"
    assert T.RandomGrayscale(1)(x).shape == x.shape and F.to_grayscale(Image.new("RGB", (2, 2))).mode == "L"


@pytest.mark.parametrize("make", [lambda: wrap(noise(3, 6, 5)), lambda: wrap(noise(2, 3, 6, 5)), lambda: noise(3, 6, 5),
                                  lambda: wrap(noise(3, 6, 5, dtype=np.uint8)), lambda: Image.fromarray(noise(6, 5, 3, dtype=np.uint8)),
                                  lambda: Image.fromarray(noise(6, 5, dtype=np.uint8)), lambda: wrap(noise(1, 6, 5))])
def test_jitter_takes_every_kind_and_changes_it(make):
    image, jitter = make(), T.ColorJitter(0.5, 0.5, 0.5, 0.2)
    results = []
    for seed in (0, 0, 1):
        with arrays.seeded(seed):
            results.append(np.asarray(jitter(image)))
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2]) and results[0].dtype == np.asarray(image).dtype
    np.testing.assert_array_equal(np.asarray(T.ColorJitter()(image)), np.asarray(image))


@pytest.mark.parametrize("call", [
    lambda: F.adjust_hue(wrap(noise(3, 2, 2)), 0.6), lambda: F.adjust_brightness(wrap(noise(3, 2, 2)), -1),
    lambda: F.adjust_contrast(wrap(noise(2, 2, 2)), 1), lambda: F.rgb_to_grayscale(wrap(noise(3, 2, 2)), 2),
    lambda: F.to_grayscale(wrap(noise(3, 2, 2))), lambda: T.RandomErasing(1)(Image.new("L", (3, 3))),
    lambda: T.RandomErasing(1, value=(1, 2))(wrap(noise(3, 4, 4))), lambda: F.erase(Image.new("L", (3, 3)), 0, 0, 1, 1, 0),
    lambda: T.PILToTensor()(noise(2, 2)), lambda: T.ToPILImage()([1]), lambda: T.ToPILImage()(wrap(noise(5, 2, 2))),
    lambda: T.ToPILImage("CMYK")(wrap(noise(3, 2, 2))), lambda: T.ToPILImage()(noise(2, 2, 3)),
])
def test_wrong_uses_are_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call()


# Erasing

@settings(max_examples=40)
@given(height=st.integers(2, 20), width=st.integers(2, 20), seed=st.integers(0, 99))
def test_one_rectangle_is_erased(height, width, seed):
    x = np.ones((2, 3, height, width), np.float32)
    with arrays.seeded(seed):
        found = T.RandomErasing(1, value=(4, 5, 6))(wrap(x)).numpy()
    erased = found != 1
    rows, columns = np.flatnonzero(erased[0, 0].any(1)), np.flatnonzero(erased[0, 0].any(0))
    if len(rows):
        box = (slice(None), slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        assert erased[box].all() and erased.sum() == erased[box].size and (found[box][0, :, 0, 0] == [4, 5, 6]).all()
    assert (x == 1).all()


def test_erasing_in_place_and_by_noise():
    x = wrap(np.ones((3, 9, 9)))
    assert T.RandomErasing(1, inplace=True)(x) is not None and (x.numpy() == 0).any()
    assert len(np.unique(T.RandomErasing(1, value="random", scale=(0.2, 0.3))(wrap(np.ones((3, 9, 9)))).numpy())) > 20
    assert T.RandomErasing(0)(x) is x


# Conversion

@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "1"])
def test_there_and_back(mode):
    image = Image.fromarray(noise(5, 4, 4, dtype=np.uint8)).convert(mode)
    again = T.ToPILImage()(T.PILToTensor()(image) if mode != "1" else T.ToTensor()(image))
    assert np.asarray(again).tolist() == np.asarray(image.convert("L") if mode == "1" else image).tolist()
    assert T.ToPILImage()(T.ToTensor()(image)).size == (4, 5)


def test_sixteen_bits_keep_their_numbers():
    image = Image.fromarray(np.array([[0, 40000]], np.uint16))
    assert image.mode == "I;16" and T.ToTensor()(image).tolist() == T.PILToTensor()(image).tolist() == [[[0, 40000]]]


def test_dtypes():
    x = wrap(np.array([0, 128, 255], np.uint8))
    as_float = T.ConvertImageDtype(minicnn.float32)(x)
    np.testing.assert_allclose(as_float.numpy(), [0, 128 / 255, 1])
    assert T.ConvertImageDtype(minicnn.uint8)(as_float).tolist() == [0, 128, 255]
    assert T.ConvertImageDtype(minicnn.uint8)(x) is x
    assert T.ConvertImageDtype(minicnn.uint8)(T.ConvertImageDtype(minicnn.int32)(x)).tolist() == [0, 128, 255]


# Mixing

def one_hot(labels, classes):
    return np.eye(classes, dtype=np.float32)[labels]


def test_mixup_is_the_formula():
    x, y = noise(5, 3, 4, 4), np.array([0, 1, 2, 0, 1])
    mixed, labels = T.MixUp(alpha=0.4, num_classes=3)(wrap(x), wrap(y))
    share = labels.numpy()[0, 0]                        # the first image, of class 0, is mixed with the last, of class 1
    assert 0 < share < 1 and labels.numpy()[0, 1] == pytest.approx(1 - share)
    np.testing.assert_allclose(mixed.numpy(), share * x + (1 - share) * np.roll(x, 1, 0), rtol=1e-5)
    np.testing.assert_allclose(labels.numpy(), share * one_hot(y, 3) + (1 - share) * one_hot(np.roll(y, 1), 3), rtol=1e-5)


@pytest.mark.parametrize("seed", range(30))
def test_cutmix_labels_are_the_areas(seed):
    x = np.arange(1.0, 5).reshape(4, 1, 1, 1) * np.ones((4, 2, 6, 9))
    with arrays.seeded(seed):
        mixed, labels = T.CutMix(num_classes=4)(wrap(x), wrap(np.arange(4)))
    for i in range(4):
        share = (mixed.numpy()[i, 0] == i + 1).mean()
        assert set(np.unique(mixed.numpy()[i])) <= {i + 1, (i - 1) % 4 + 1}
        assert labels.numpy()[i, i] == pytest.approx(share) and labels.numpy()[i].sum() == pytest.approx(1)


def test_mixing_in_a_loader_ends_in_the_loss():
    dataset = TensorDataset(wrap(noise(20, 3, 4, 4)), wrap(np.arange(20) % 3))
    mix = T.RandomChoice([T.MixUp(num_classes=3), T.CutMix(num_classes=3)])

    def batches(workers):
        loader = DataLoader(dataset, 8, collate_fn=lambda batch: mix(*default_collate(batch)), num_workers=workers, seed=4)
        return [(x.numpy(), y.numpy()) for x, y in loader]

    for (x, y), (other_x, other_y) in zip(batches(0), batches(2)):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)
    assert nn.CrossEntropyLoss()(minicnn.zeros(len(y), 3), wrap(y)).item() == pytest.approx(np.log(3), rel=1e-5)


def test_labels_that_are_mixed_already_and_batches_as_one_argument():
    x, y = wrap(noise(4, 1, 2, 2)), wrap(one_hot(np.arange(4), 4))
    assert T.MixUp()(x, y)[1].shape == (4, 4) and T.CutMix(num_classes=9)([x, wrap(np.arange(4))])[1].shape == (4, 9)
    assert T.MixUp(num_classes=4, labels_getter=lambda batch: batch[2])([x, "names", wrap(np.arange(4))])[1].shape == (4, 4)


@pytest.mark.parametrize("call", [
    lambda x: T.MixUp()(x, wrap(np.arange(4))), lambda x: T.MixUp(num_classes=3)(x, wrap(np.arange(4))),
    lambda x: T.MixUp(num_classes=4)(x, wrap(np.arange(3))), lambda x: T.MixUp(num_classes=4)(x, [0, 1, 2, 3]),
    lambda x: T.MixUp(num_classes=4)(wrap(x.numpy()[0]), wrap(np.arange(1))), lambda x: T.MixUp(num_classes=4)(x),
    lambda x: T.MixUp(num_classes=4)(wrap(np.zeros((4, 1, 2, 2), np.uint8)), wrap(np.arange(4))),
    lambda x: T.CutMix(num_classes=4)(x, wrap(np.zeros(4))),
])
def test_batches_that_cannot_be_mixed(call):
    with pytest.raises((TypeError, ValueError)):
        call(wrap(noise(4, 1, 2, 2)))
