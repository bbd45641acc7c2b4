"""Dropout, with PyTorch's arguments; `generator` chooses the random stream."""

from ...autograd.mode import watched_whole
from ...errors import ShapeError
from ...functional import dropout as layer
from ...elementary.in_place import apply_in_place
from .arguments import check_tensors, number

__all__ = ["dropout", "dropout1d", "dropout2d"]


@watched_whole
def dropout(input, p=0.5, training=True, inplace=False, *, generator=None):
    """In training, zero each element with probability p and scale the rest by 1/(1-p); otherwise the input itself."""
    check_tensors("dropout", input)
    return _drop(input, input.array.shape, p, training, inplace, generator, "dropout")


@watched_whole
def dropout1d(input, p=0.5, training=True, inplace=False, *, generator=None):
    """As `dropout`, but whole channels at a time: input (N, C, L) or (C, L)."""
    return _drop_channels(input, 1, p, training, inplace, generator)


@watched_whole
def dropout2d(input, p=0.5, training=True, inplace=False, *, generator=None):
    """As `dropout`, but whole channels at a time: input (N, C, H, W) or (C, H, W)."""
    return _drop_channels(input, 2, p, training, inplace, generator)


def _drop_channels(input, dims, p, training, inplace, generator):
    check_tensors(f"dropout{dims}d", input)
    if input.array.ndim not in (dims + 1, dims + 2):
        raise ShapeError(f"dropout{dims}d: expected (N, C, ...) or (C, ...) with {dims} further dimensions, got {tuple(input.shape)}")
    mask_shape = input.array.shape[:-dims] + (1,) * dims
    return _drop(input, mask_shape, p, training, inplace, generator, f"dropout{dims}d")


def _drop(input, mask_shape, p, training, inplace, generator, name):
    number(name, "p", p, least=0, most=1)
    if not training or p == 0:
        return input
    mask = layer.draw_mask(mask_shape, p, input.array, generator)
    if inplace:
        return apply_in_place(input, lambda x: layer.dropout(x, mask=mask, p=p))
    return layer.dropout(input, mask=mask, p=p)
