"""ToTensor, Normalize, Compose and Lambda."""

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn.data.transforms import Compose, Lambda, Normalize, ToTensor


def test_bytes_become_floats_in_channel_order():
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    for image in (pixels, Image.fromarray(pixels)):
        tensor = ToTensor()(image)
        assert tensor.shape == (3, 2, 3) and tensor.dtype == minicnn.float32
        np.testing.assert_array_equal(tensor.numpy(), pixels.transpose(2, 0, 1).astype(np.float32) / 255)


@pytest.mark.parametrize("mode, dtype, high", [("1", "float32", 1), ("L", "float32", 1), ("I", "int32", 255), ("F", "float32", 255)])
def test_grey_modes(mode, dtype, high):
    tensor = ToTensor()(Image.new("L", (3, 2), 255).convert(mode))
    assert tensor.shape == (1, 2, 3) and str(tensor.dtype) == dtype and (tensor.numpy() == high).all()


def test_other_arrays_keep_their_values():
    assert ToTensor()(np.full((2, 2), 3.5)).dtype == minicnn.float64


def test_normalize_by_channel():
    image = minicnn.ones(2, 3, 3)
    np.testing.assert_allclose(Normalize((1, 0), (2, 0.5))(image).numpy()[:, 0, 0], [0, 2])
    np.testing.assert_allclose(Normalize([0.5], [0.5])(minicnn.ones(4, 2, 3, 3)).numpy(), 1)
    assert (image.numpy() == 1).all()
    assert Normalize(0.5, 0.5, inplace=True)(image * 0.5) is not None
    changed = minicnn.ones(1, 2, 2)
    assert Normalize([1], [1], inplace=True)(changed) is changed and (changed.numpy() == 0).all()


def test_compose_goes_from_left_to_right():
    chain = Compose([Lambda(lambda x: x + 1), Lambda(lambda x: x * 10)])
    assert chain(1) == 20
    assert "Normalize(mean=0, std=1)" in repr(Compose([ToTensor(), Normalize(0, 1)]))


@pytest.mark.parametrize("call", [
    lambda: ToTensor()([1, 2]), lambda: ToTensor()(np.zeros(3)), lambda: Normalize(0, 0), lambda: Normalize((0, 0), (1, 0)),
    lambda: Normalize(0, 1)(np.zeros((1, 2, 2))), lambda: Normalize(0, 1)(minicnn.zeros(2, 2)),
    lambda: Normalize((0, 0), (1, 1))(minicnn.zeros(3, 2, 2)), lambda: Normalize(0, 1)(minicnn.zeros(1, 2, 2).long()),
    lambda: Lambda(3)])
def test_wrong_uses_are_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call()
