"""Images joined along their channels: the same numbers as NumPy's, however they lie, and channels-last where all of them do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_cpu_kernels import laid_out, layouts, threads_set_to

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")


def images(count, *shape, dtype="f"):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for _ in range(count)]


@settings(max_examples=40)
@given(dtype=st.sampled_from([np.float32, np.float64]), layout=layouts, channels=st.lists(st.integers(1, 40), min_size=1, max_size=4),
       threads=st.integers(1, 3))
def test_images_are_joined_along_their_channels(dtype, layout, channels, threads):
    xs = [laid_out(images(1, 5, c, 41, 43, dtype=dtype)[0], layout) for c in channels]
    with threads_set_to(threads):
        y = cpu.cat(xs, 1)
    np.testing.assert_array_equal(y, np.concatenate(xs, 1))
    assert y.dtype == dtype and (layout != "channels last" or y.transpose(0, 2, 3, 1).flags.c_contiguous or sum(channels) < 4)


def test_parts_of_images_are_joined():
    """Some channels of images that have more."""
    x, other = (laid_out(a, "channels last") for a in images(2, 4, 24, 40, 40))
    np.testing.assert_array_equal(cpu.cat([x[:, 3:17], other], 1), np.concatenate([x[:, 3:17], other], 1))


def test_pixels_that_do_not_lie_whole_numbers_apart():
    """As in a field of a table with others of odd sizes."""
    size, step = (4, 40, 40, 16), 16 * 4 + 2
    memory = np.random.default_rng(0).integers(0, 64, 4 * 40 * 40 * step, np.uint8)
    x = np.ndarray(size, "f", memory, 0, (40 * 40 * step, 40 * step, step, 4)).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(cpu.cat([x, x], 1), np.concatenate([x, x], 1))


@pytest.mark.parametrize("shape", [(3, 16, 40, 40), (4, 16, 39, 40), (4, 16, 40, 41)], ids=str)
def test_images_of_other_sizes_are_refused(shape):
    xs = [laid_out(images(1, *size)[0], "channels last") for size in ((4, 16, 40, 40), shape)]
    with pytest.raises(ValueError, match="must match exactly"):
        cpu.cat(xs, 1)
