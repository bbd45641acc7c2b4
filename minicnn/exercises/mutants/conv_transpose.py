"""Classic mistakes in transposed convolution. Its `window` is that of the convolution it transposes: `output` is x's size."""

from ...functional.conv import conv_transpose2d, conv_transpose2d_backward, conv_transpose2d_forward
from ...kernels import of
from .registry import mutants_of

mutant = mutants_of("conv_transpose2d", conv_transpose2d)

# Forward -----------------------------------------------------------------------------------------------------------------


@mutant("forward", "A transposed convolution stamps the kernel as it is; you turned it around.")
def stamp_flipped(x, w, b, *, window, groups):
    return conv_transpose2d_forward(x, w[:, :, ::-1, ::-1], b, window=window, groups=groups)


@mutant("forward", "The stamps must lie `stride` pixels apart.")
def stride_ignored(x, w, b, *, window, groups):
    return conv_transpose2d_forward(x, w, b, window=window._replace(stride=(1, 1)), groups=groups)


@mutant("forward", "Padding is taken away from the output: crop it.")
def padding_not_cropped(x, w, b, *, window, groups):
    return conv_transpose2d_forward(x, w, b, window=window._replace(padding=((0, 0), (0, 0))), groups=groups)


@mutant("forward", "The stamp's pixels lie `dilation` apart.")
def dilation_ignored(x, w, b, *, window, groups):
    return conv_transpose2d_forward(x, w, b, window=window._replace(dilation=(1, 1)), groups=groups)


@mutant("forward", "Each output channel's bias must be added to its pixels; it is missing.")
def bias_forgotten(x, w, b, *, window, groups):
    return conv_transpose2d_forward(x, w, None, window=window, groups=groups)


@mutant("forward", "The weight is (in, out, KH, KW) here, the reverse of a convolution's; you read it as (out, in, KH, KW).")
def weight_axes_of_a_convolution(x, w, b, *, window, groups):
    w = w.transpose(1, 0, 2, 3) if w.shape[0] == w.shape[1] else w
    return conv_transpose2d_forward(x, w, b, window=window, groups=groups)


# Backward ----------------------------------------------------------------------------------------------------------------


def right(dy, saved):
    """dx, dw and db as they should be."""
    return conv_transpose2d_backward(dy, saved, conv_transpose2d.needed(True, True, True))


@mutant("backward", "dx is the plain convolution of dy with w, not with w turned around.")
def dx_kernel_flipped(dy, saved, needed):
    x, w, window, groups = saved
    return of(dy).conv2d(dy, w[:, :, ::-1, ::-1], None, window, groups), *right(dy, saved)[1:]


@mutant("backward", "For dx, dy is read at steps of the stride.")
def dx_stride_ignored(dy, saved, needed):
    x, w, window, groups = saved
    return of(dy).conv2d(dy, w, None, window._replace(stride=(1, 1)), groups), *right(dy, saved)[1:]


@mutant("backward", "dw[i] pairs each pixel of x with the pixel of dy that its stamp's i met; yours came out turned around.")
def dw_flipped(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw[:, :, ::-1, ::-1], db


@mutant("backward", "dw must pad dy by what the forward cropped from the output.")
def dw_padding_ignored(dy, saved, needed):
    x, w, window, groups = saved
    dx, _, db = right(dy, saved)
    return dx, of(dy).conv2d_dw(x, dy, window._replace(padding=((0, 0), (0, 0))), groups), db


@mutant("backward", "db sums over all pixels of the output; you stopped at the size of the input.")
def db_over_the_input_size(dy, saved, needed):
    dx, dw, _ = right(dy, saved)
    p, q = saved[2].output
    return dx, dw, dy[:, :, :p, :q].sum((0, 2, 3))
