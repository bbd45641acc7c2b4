"""Classic mistakes in convolution."""

import numpy as np

from ...functional.conv import conv2d, conv2d_backward, conv2d_forward
from ...kernels import of
from .registry import mutants_of

mutant = mutants_of("conv2d", conv2d)

# Forward -----------------------------------------------------------------------------------------------------------------


@mutant("forward", "You turned the kernel around: deep learning's convolution is a cross-correlation.")
def kernel_flipped(x, w, b, *, window, groups):
    return conv2d_forward(x, w[:, :, ::-1, ::-1], b, window=window, groups=groups)


@mutant("forward", "Rows and columns of the kernel are exchanged: w[o, c, i, j] has i for the height.")
def kernel_transposed(x, w, b, *, window, groups):
    w = w.transpose(0, 1, 3, 2) if w.shape[2] == w.shape[3] else w
    return conv2d_forward(x, w, b, window=window, groups=groups)


@mutant("forward", "The window moves by `stride` pixels; yours moves by one.")
def stride_ignored(x, w, b, *, window, groups):
    return conv2d_forward(x, w, b, window=window._replace(stride=(1, 1)), groups=groups)


@mutant("forward", "Rows and columns have a stride each; you used that of the rows for both.")
def stride_of_height_for_width(x, w, b, *, window, groups):
    return conv2d_forward(x, w, b, window=window._replace(stride=window.stride[:1] * 2), groups=groups)


@mutant("forward", "The kernel's pixels must lie `dilation` apart in the image.")
def dilation_ignored(x, w, b, *, window, groups):
    return conv2d_forward(x, w, b, window=window._replace(dilation=(1, 1)), groups=groups)


@mutant("forward", "Padding goes on both sides: the first window starts `padding` pixels before the image.")
def padding_only_behind(x, w, b, *, window, groups):
    behind = tuple((0, sum(p)) for p in window.padding)
    return conv2d_forward(x, w, b, window=window._replace(padding=behind), groups=groups)


@mutant("forward", "Rows and columns have a padding each; you exchanged them.")
def padding_of_rows_and_columns_exchanged(x, w, b, *, window, groups):
    return conv2d_forward(x, w, b, window=window._replace(padding=window.padding[::-1]), groups=groups)


@mutant("forward", "Each output channel's bias must be added to its pixels; it is missing.")
def bias_forgotten(x, w, b, *, window, groups):
    return conv2d_forward(x, w, None, window=window, groups=groups)


@mutant("forward", "Every output channel has a bias of its own; you added the first one everywhere.")
def one_bias_for_all(x, w, b, *, window, groups):
    return conv2d_forward(x, w, b if b is None else np.full_like(b, b[0]), window=window, groups=groups)


@mutant("forward", "The products are added up, not averaged.")
def mean_of_products(x, w, b, *, window, groups):
    return conv2d_forward(x, w / w[0].size, b, window=window, groups=groups)


@mutant("forward", "Group g of the outputs must see group g of the inputs; yours sees another.")
def groups_mixed(x, w, b, *, window, groups):
    return conv2d_forward(np.roll(x, w.shape[1] * (groups > 1), 1), w, b, window=window, groups=groups)


@mutant("forward", "The sum goes over all input channels; you left out the last one.")
def last_channel_left_out(x, w, b, *, window, groups):
    w = w.copy()
    w[:, -1] = 0
    return conv2d_forward(x, w, b, window=window, groups=groups)


# Backward to the input ---------------------------------------------------------------------------------------------------


def right(dy, saved):
    """dx, dw and db as they should be."""
    return conv2d_backward(dy, saved, conv2d.needed(True, True, True))


def dx_with(dy, saved, change_w=lambda w: w, **changes):
    """The right gradients, but dx computed with another kernel or another window."""
    x, w, window, groups = saved
    _, dw, db = right(dy, saved)
    return of(dy).conv2d_dx(dy, change_w(w), window._replace(**changes), groups), dw, db


@mutant("backward", "dx needs the kernel turned around: the pixel at i of a window sees w[i], so seen from dy it is w[-i].")
def dx_kernel_not_flipped(dy, saved, needed):
    return dx_with(dy, saved, lambda w: w[:, :, ::-1, ::-1])


@mutant("backward", "For dx, input and output channels of the weight change places; you used w as it is.")
def dx_channels_not_swapped(dy, saved, needed):
    square = saved[1].shape[0] == saved[1].shape[1]
    return dx_with(dy, saved, lambda w: w.transpose(1, 0, 2, 3) if square else w)


@mutant("backward", "dx must spread dy out by the stride before the kernel is laid over it.")
def dx_stride_ignored(dy, saved, needed):
    return dx_with(dy, saved, stride=(1, 1))


@mutant("backward", "dx must leave `dilation` between the kernel's pixels, as the forward did.")
def dx_dilation_forgotten(dy, saved, needed):
    return dx_with(dy, saved, dilation=(1, 1))


@mutant("backward", "The gradient of the padding must be cropped away: dx starts `padding` pixels in.")
def dx_padding_not_cropped(dy, saved, needed):
    return dx_with(dy, saved, padding=((0, 0), (0, 0)))


@mutant("backward", "Where windows overlap, a pixel gets the sum of their gradients; you kept only the last one.")
def dx_overlap_overwritten(dy, saved, needed):
    x, w, window, groups = saved
    dx = np.zeros_like(x)
    for i, j in np.ndindex(window.kernel):
        alone = np.zeros_like(w)
        alone[:, :, i, j] = w[:, :, i, j]
        part = of(dy).conv2d_dx(dy, alone, window, groups)
        dx = np.where(part != 0, part, dx)
    return dx, *right(dy, saved)[1:]


@mutant("backward", "dx is shifted by one pixel: count columns from 0.")
def dx_off_by_one(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return np.roll(dx, 1, 3), dw, db


@mutant("backward", "The last row of dx never gets its gradient: let the loop over rows reach it.")
def dx_last_row_forgotten(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    dx[:, :, -1] = 0
    return dx, dw, db


@mutant("backward", "dx of a group comes from that group's outputs alone.")
def dx_groups_mixed(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    groups = saved[3]
    return np.roll(dx, dx.shape[1] // groups, 1) if groups > 1 else dx, dw, db


@mutant("backward", "Each image has a gradient of its own; you gave every image the mean of all.")
def dx_batch_mixed(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx * 0 + dx.mean(0), dw, db


# Backward to the weight --------------------------------------------------------------------------------------------------


def dw_with(dy, saved, change_x=lambda x: x, **changes):
    """The right gradients, but dw computed from another input or another window."""
    x, _, window, groups = saved
    dx, _, db = right(dy, saved)
    return dx, of(dy).conv2d_dw(dy, change_x(x), window._replace(**changes), groups), db


@mutant("backward", "dw comes out turned around: w[i] met the pixel at p·s + i, not at p·s - i.")
def dw_flipped(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw[:, :, ::-1, ::-1], db


@mutant("backward", "Rows and columns of dw are exchanged: dw[o, c, i, j] has i for the height, as w has.")
def dw_transposed(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw.transpose(0, 1, 3, 2) if dw.shape[2] == dw.shape[3] else dw, db


@mutant("backward", "dw adds up over the batch; if you want a mean, take it in the loss.")
def dw_mean_over_batch(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw / len(dy), db


@mutant("backward", "dw must add up over all images; you used the first.")
def dw_first_image_only(dy, saved, needed):
    x, w, window, groups = saved
    dx, _, db = right(dy, saved)
    return dx, of(dy).conv2d_dw(dy[:1], x[:1], window, groups), db


@mutant("backward", "For dw, output pixel p met the input at p·stride; you read it at p.")
def dw_stride_ignored(dy, saved, needed):
    return dw_with(dy, saved, stride=(1, 1))


@mutant("backward", "For dw, kernel pixel i met the input at i·dilation; you read it at i.")
def dw_dilation_forgotten(dy, saved, needed):
    return dw_with(dy, saved, dilation=(1, 1))


@mutant("backward", "For dw, the input must be padded as in the forward.")
def dw_padding_ignored(dy, saved, needed):
    return dw_with(dy, saved, padding=((0, 0), (0, 0)))


@mutant("backward", "dw of a group comes from that group's inputs alone.")
def dw_groups_mixed(dy, saved, needed):
    shift = saved[1].shape[1] * (saved[3] > 1)
    return dw_with(dy, saved, lambda x: np.roll(x, shift, 1))


@mutant("backward", "dw pairs x with dy as they are; you turned x around.")
def dw_input_flipped(dy, saved, needed):
    return dw_with(dy, saved, lambda x: x[:, :, ::-1, ::-1])


# Backward to the bias ----------------------------------------------------------------------------------------------------


@mutant("backward", "db sums over images, rows and columns; you took one pixel of each image.")
def db_one_pixel_only(dy, saved, needed):
    dx, dw, _ = right(dy, saved)
    return dx, dw, dy[:, :, 0, 0].sum(0)


@mutant("backward", "db sums over the batch too; you used the first image.")
def db_first_image_only(dy, saved, needed):
    dx, dw, _ = right(dy, saved)
    return dx, dw, dy[:1].sum((0, 2, 3))


@mutant("backward", "db is a sum over the pixels, not a mean.")
def db_mean_over_pixels(dy, saved, needed):
    dx, dw, _ = right(dy, saved)
    return dx, dw, dy.mean((2, 3)).sum(0)
