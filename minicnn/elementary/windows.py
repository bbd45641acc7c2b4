"""Elementary padding and windows: what convolution and pooling are made of.

`windows` shows every window of an image as a view; its derivative `overlap_add` lays windows back and adds where they overlap;
and each is the derivative of the other.
"""

import numpy as np

from .. import arrays
from ..autograd.operation import Elementary

# Padding with a constant: `widths` has one (before, after) per dimension; negative widths crop.
_pad = Elementary("Pad", lambda x, *, widths, value: _pad_array(x, widths, value),
                  lambda dz, widths: _pad(dz, widths=_negated(widths), value=0.0))


def _negated(widths):
    return tuple((-before, -after) for before, after in widths)


def _pad_array(x, widths, value):
    cropped = x[tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(widths, x.shape))]
    y = arrays.filled([n + b + a for (b, a), n in zip(widths, x.shape)], value, x)
    y[tuple(slice(max(b, 0), n - max(a, 0)) for (b, a), n in zip(widths, y.shape))] = cropped
    return y


def pad(x, widths, value=0.0):
    """x with `value` around it: widths = ((before, after), ...) for each dimension; negative widths crop."""
    widths = tuple((int(before), int(after)) for before, after in widths)
    return _pad(x, widths=widths, value=value) if any(b or a for b, a in widths) else x


def window_view(x, window):
    """The windows of an array (N, C, H, W), already padded, as a read-only view (N, C, KH, KW, P, Q)."""
    n, c, h, w = x.strides
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    shape = (*x.shape[:2], kh, kw, *window.output)
    return arrays.as_strided(x, shape, (n, c, h * dh, w * dw, h * sh, w * sw))


def overlap_add_array(dz, window, size):
    """Windows (N, C, KH, KW, P, Q) added up into images (N, C, H, W) of the padded size: one slice per kernel position."""
    (kh, kw), (sh, sw), (dh, dw), (p, q) = window.kernel, window.stride, window.dilation, window.output
    dx = np.zeros((*dz.shape[:2], *size), dz.dtype, like=dz)
    for i in range(kh):
        for j in range(kw):
            dx[:, :, i * dh : i * dh + p * sh : sh, j * dw : j * dw + q * sw : sw] += dz[:, :, i, j]
    return dx


_windows = Elementary("Unfold", lambda x, *, window, size: window_view(x, window),
                      lambda dz, window, size: _overlap_add(dz, window=window, size=size))
_overlap_add = Elementary("Fold", lambda x, *, window, size: overlap_add_array(x, window, size),
                          lambda dz, window, size: _windows(dz, window=window, size=size))


def windows(x, window):
    """Every window of the padded images: (N, C, H, W) -> (N, C, KH, KW, P, Q)."""
    return _windows(x, window=window, size=x.shape[2:])


def overlap_add(x, window, size):
    """The transpose of `windows`: (N, C, KH, KW, P, Q) -> (N, C, H, W), added where windows overlap."""
    return _overlap_add(x, window=window, size=tuple(size))
