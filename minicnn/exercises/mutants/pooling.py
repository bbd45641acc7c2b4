"""Classic mistakes in max, average and adaptive pooling."""

import numpy as np

from ...elementary.windows import overlap_add, pad, windows
from ...functional import pooling as pool
from ...kernels import of
from ...tensor import wrap
from .registry import mutants_of

max_pool = mutants_of("max_pool2d", pool.max_pool2d)
avg_pool = mutants_of("avg_pool2d", pool.avg_pool2d)
lp_pool = mutants_of("lp_pool2d", pool.lp_pool2d)
adaptive_avg_pool = mutants_of("adaptive_avg_pool2d", pool.adaptive_avg_pool2d)
adaptive_max_pool = mutants_of("adaptive_max_pool2d", pool.adaptive_max_pool2d)


def windows_of(x, window, padding):
    """Every window of the image, padded with the number `padding`: (N, C, KH, KW, P, Q)."""
    return windows(pad(wrap(x), window.pads, padding), window).array


def last_of(parts):
    """Arrays laid over each other where they should have been added: the last one that is not 0 stays."""
    dx = 0
    for part in parts:
        dx = np.where(part != 0, part, dx)
    return dx


def places(window):
    """The numbers of the pixels in a window."""
    return range(window.kernel[0] * window.kernel[1])


# Max pooling -------------------------------------------------------------------------------------------------------------


@max_pool("forward", "Padding must never win: pad with minus infinity, not with 0.")
def padding_wins(x, *, window):
    _, saved = pool.max_pool2d_forward(x, window=window)
    return windows_of(x, window, 0.0).max((2, 3)), saved


@max_pool("forward", "You took the smallest pixel of each window, not the largest.")
def smallest_pixel(x, *, window):
    y, saved = pool.max_pool2d_forward(-x, window=window)
    return -y, saved


@max_pool("forward", "The window moves by the stride, which need not be 1.")
def stride_is_one(x, *, window):
    return pool.max_pool2d_forward(x, window=window._replace(stride=(1, 1)))


@max_pool("forward", "The window's pixels lie `dilation` apart.")
def dilation_ignored(x, *, window):
    return pool.max_pool2d_forward(x, window=window._replace(dilation=(1, 1)))


@max_pool("forward", "Of equal pixels the first one wins; you took the last.")
def last_of_ties(x, *, window):
    y, _ = pool.max_pool2d_forward(x, window=window)
    seen = windows_of(x, window, -np.inf).reshape(*x.shape[:2], len(places(window)), *window.output)
    last = len(places(window)) - 1 - seen[:, :, ::-1].argmax(2)
    return y, (last.astype(np.int32), window)


@max_pool("pair", "Of tied pixels one is rewarded, not all: the mask x == y pays dy out several times, and Σ dx must equal Σ dy.")
class all_ties_rewarded:
    def forward(x, *, window):
        y, _ = pool.max_pool2d_forward(x, window=window)
        return y, (windows_of(x, window, -np.inf) == y[:, :, None, None], window)

    def backward(dy, saved, needed):
        mask, window = saved
        shares = wrap(mask * dy[:, :, None, None])                          # (N, C, KH, KW, P, Q)
        crop = [(-before, -after) for before, after in window.pads]
        return (pad(overlap_add(shares, window, window.reach), crop).array,)


@max_pool("backward", "The winner's row in the window is ⌊index / KW⌋; you divided by KH.")
def index_into_the_wrong_row(dy, saved, needed):
    winners, window = saved
    kh, kw = window.kernel
    wrong = np.minimum(winners // kh, kh - 1) * kw + winners % kw
    return (of(dy).max_pool2d_dx(dy, wrong, window),)


@max_pool("backward", "A pixel that wins several windows gets the sum of their gradients; you kept the last.")
def overlap_overwritten(dy, saved, needed):
    winners, window = saved
    return (last_of(of(dy).max_pool2d_dx(dy * (winners == k), winners, window) for k in places(window)),)


@max_pool("backward", "Only the winner gets the gradient; you spread it over the window.")
def gradient_spread_over_the_window(dy, saved, needed):
    _, window = saved
    return (of(dy).avg_pool2d_dx(dy, window, window.kernel[0] * window.kernel[1]),)


@max_pool("backward", "dx is shifted by the padding: crop it away.")
def padding_not_cropped(dy, saved, needed):
    winners, window = saved
    return (of(dy).max_pool2d_dx(dy, winners, window._replace(padding=((0, 0), (0, 0)))),)


@max_pool("backward", "The gradient belongs to the winner; you gave it to the window's first pixel.")
def first_pixel_always(dy, saved, needed):
    winners, window = saved
    return (of(dy).max_pool2d_dx(dy, np.zeros_like(winners), window),)


@max_pool("backward", "Output pixel p came from the window at p·stride; you went back with stride 1.")
def dx_stride_ignored(dy, saved, needed):
    winners, window = saved
    return (of(dy).max_pool2d_dx(dy, winners, window._replace(stride=(1, 1))),)


# Average pooling ---------------------------------------------------------------------------------------------------------


@avg_pool("forward", "Divide the sum by the number of pixels.")
def sum_instead_of_mean(x, *, window, divisor):
    return of(x).avg_pool2d(x, window, 1), (window, divisor)


@avg_pool("forward", "At the edge, divide by what the window really holds (count_include_pad=False, ceil_mode).")
def always_the_full_kernel(x, *, window, divisor):
    return of(x).avg_pool2d(x, window, window.kernel[0] * window.kernel[1]), (window, divisor)


@avg_pool("forward", "The window moves by the stride, which need not be 1.")
def average_stride_is_one(x, *, window, divisor):
    return of(x).avg_pool2d(x, window._replace(stride=(1, 1)), divisor), (window, divisor)


@avg_pool("forward", "The first window starts `padding` pixels before the image.")
def average_padding_only_behind(x, *, window, divisor):
    behind = tuple((0, sum(p)) for p in window.padding)
    return of(x).avg_pool2d(x, window._replace(padding=behind), divisor), (window, divisor)


@avg_pool("backward", "Each pixel gets its share: dy divided by the divisor.")
def dx_not_divided(dy, saved, needed):
    return (of(dy).avg_pool2d_dx(dy, saved[0], 1),)


@avg_pool("backward", "The divisor belongs to the output pixel; at the edge it is another one.")
def dx_divided_by_the_full_kernel(dy, saved, needed):
    window, _ = saved
    return (of(dy).avg_pool2d_dx(dy, window, window.kernel[0] * window.kernel[1]),)


@avg_pool("backward", "Where windows overlap, a pixel gets the sum of its shares; you kept the last.")
def dx_overlap_overwritten(dy, saved, needed):
    window, divisor = saved
    return (last_of(of(dy).max_pool2d_dx(dy / divisor, np.full(dy.shape, k), window) for k in places(window)),)


@avg_pool("backward", "dx is shifted by the padding: crop it away.")
def dx_padding_not_cropped(dy, saved, needed):
    window, divisor = saved
    return (of(dy).avg_pool2d_dx(dy, window._replace(padding=((0, 0), (0, 0))), divisor),)


@avg_pool("backward", "Every pixel of the window had a part in y; you gave all of the gradient to one.")
def dx_to_one_pixel(dy, saved, needed):
    return (of(dy).max_pool2d_dx(dy, np.zeros(dy.shape, int), saved[0]),)


# Power-average pooling ---------------------------------------------------------------------------------------------------


@lp_pool("forward", "The p-th power needs the p-th root in the end.")
def power_root_forgotten(x, *, window, divisor, p):
    y, saved = pool.lp_pool2d_forward(x, window=window, divisor=divisor, p=p)
    return y**p, saved


@lp_pool("forward", "The powers are added up, not averaged.")
def powers_averaged(x, *, window, divisor, p):
    _, saved = pool.lp_pool2d_forward(x, window=window, divisor=divisor, p=p)
    return pool.lp_pool2d_forward(x, window=window, divisor=divisor * len(places(window)), p=p)[0], saved


@lp_pool("forward", "The exponent is p; you squared, whatever p was.")
def always_squared(x, *, window, divisor, p):
    return pool.lp_pool2d_forward(x, window=window, divisor=divisor, p=2)


@lp_pool("backward", "The kernel's pixels share dy·y^(1-p): you forgot to divide by the output.")
def output_forgotten(dy, saved, needed):
    x, y, window, divisor, p = saved
    return (x ** (p - 1) * of(dy).avg_pool2d_dx(dy, window, divisor),)


@lp_pool("backward", "The derivative of xᵖ is p·x^(p-1); you left out the power of x.")
def inner_derivative_forgotten(dy, saved, needed):
    x, y, window, divisor, p = saved
    return pool.lp_pool2d_backward(dy, (np.ones_like(x), y, window, divisor, p), needed)


@lp_pool("backward", "p and 1/p, from the power and its root, cancel out; you left one of them.")
def power_not_cancelled(dy, saved, needed):
    dx, = pool.lp_pool2d_backward(dy, saved, needed)
    return (dx * saved[-1],)


# Adaptive pooling --------------------------------------------------------------------------------------------------------


@adaptive_avg_pool("forward", "A cell of the grid must be averaged, not added up.")
def cells_added_up(x, *, rows, columns):
    return (rows > 0) @ x @ (columns > 0).T, (rows, columns)


@adaptive_avg_pool("forward", "Each cell is divided by its own number of pixels; cells differ where the size is no multiple.")
def all_cells_of_one_size(x, *, rows, columns):
    sizes = len(rows) / rows.shape[1] * len(columns) / columns.shape[1]
    return (rows > 0) @ x @ (columns > 0).T * sizes, (rows, columns)


@adaptive_avg_pool("backward", "dx = Rᵀ dy C: each pixel gets its cell's gradient over the cell's size; you did not divide.")
def cells_not_divided(dy, saved, needed):
    rows, columns = saved
    return ((rows > 0).T @ dy @ (columns > 0),)


@adaptive_avg_pool("backward", "Neighbouring cells may share a row, which then gets both gradients; you gave it the first.")
def shared_rows_counted_once(dy, saved, needed):
    rows, columns = saved
    once = rows * (np.cumsum(rows > 0, 0) == 1)
    return (once.T @ dy @ columns,)


@adaptive_max_pool("forward", "The winner's place is h·W + v; you read the image column by column.")
def columns_before_rows(x, *, winners):
    n, c, h, w = x.shape
    _, saved = pool.adaptive_max_pool2d_forward(x, winners=winners)
    y, _ = pool.adaptive_max_pool2d_forward(x.transpose(0, 1, 3, 2).reshape(n, c, h, w), winners=winners)
    return y, saved


@adaptive_max_pool("backward", "Cells may share a pixel; it gets the sum of their gradients, and you kept the last.")
def shared_pixel_overwritten(dy, saved, needed):
    winners, (n, c, h, w) = saved
    cells = winners.shape[2] * winners.shape[3]
    dx = np.zeros((n, c, h * w), dy.dtype)
    np.put_along_axis(dx, winners.reshape(n, c, cells), dy.reshape(n, c, cells), 2)
    return (dx.reshape(n, c, h, w),)


@adaptive_max_pool("backward", "The winner's place is h·W + v; you counted with the height in place of the width.")
def height_for_width(dy, saved, needed):
    winners, (n, c, h, w) = saved
    wrong = np.minimum(winners // w * h + winners % w, h * w - 1)
    return pool.adaptive_max_pool2d_backward(dy, (wrong, (n, c, h, w)), needed)


@adaptive_max_pool("backward", "Each cell's gradient goes to its own winner; you gave all of them to the first cell's.")
def winner_of_the_first_cell(dy, saved, needed):
    winners, shape = saved
    first = np.broadcast_to(winners[:, :, :1, :1], winners.shape)
    return pool.adaptive_max_pool2d_backward(dy, (first, shape), needed)
