"""The loops of depthwise convolution: some vectors of channels at a time, each lane for a channel of its own.

Windows are clipped to the image, so nothing is copied and padding is never looked at. Neighbouring pixels whose windows lie inside
make a tile (`tile.py`): a weight is loaded once for all of them, and enough sums are under way. At the edges tiles are one pixel
wide. What bounds it: the loads, one for each multiply-add, as long as a few rows of x stay in the cache; with large images, memory.

A tile reads whole vectors: beyond the last channel that is the next pixel, or the slack behind the array.
"""

from .cutting import cut_pixels
from .launch import helper
from .tile import CHANNELS, multiply_tile
from .windows import clipped_taps


def correlate(x, w, bias, y, _a, _, plans, thread, threads):
    """y[n,p,q,c] = bias[c] + Σ_{i,j} w[i,j,c] · x[n, p·s + i·d - top, q·s + j·d - left, c]

    There is a plan for each phase of y. All phases of some rows follow each other, while the rows of x that they share are in the cache.
    """
    each = -(-plans[0].images // threads)               # pieces of the work for a thread: about an image
    for piece in range(thread * each, (thread + 1) * each):
        for phase in range(len(plans)):
            plan = plans[phase]
            lines = plan.images * plan.rows
            for line in range(piece * lines // (each * threads), (piece + 1) * lines // (each * threads)):
                _row_of_pixels(x, w, bias, y, plan, line)


@helper
def _row_of_pixels(x, w, bias, y, plan, line):
    """One row of output pixels, counted through all images."""
    image, p = divmod(line, plan.rows)
    above = p * plan.stride_h - plan.top
    i_first, i_end = clipped_taps(above, plan.dilation_h, plan.kernel_h, plan.height)
    down, across, pixel = plan.dilation_h * plan.width * plan.channels, plan.dilation_w * plan.channels, plan.stride_w * plan.channels
    x_first = ((image * plan.height + above) * plan.width - plan.left) * plan.channels + i_first * down
    y_first, w_first = plan.y_first + image * plan.y_image + p * plan.y_row, plan.w_first + i_first * plan.w_i
    for c in range(0, plan.channels, plan.block):
        q = 0
        while q < plan.columns:
            count, j_first, j_end = _alike(plan, q)
            count = min(count, -(-count // -(-count // plan.tile_rows)))            # tiles of about equal width
            multiply_tile(CHANNELS, count, plan.vectors, x, x_first + q * pixel + j_first * across + c, w, w_first + j_first * plan.w_j + c,
                          y, y_first + q * plan.y_column + c, bias, c, (i_end - i_first, 1, j_end - j_first), (down, 0, across, pixel),
                          (plan.w_i, 0, plan.w_j), plan.y_column, 0, plan.channels - c)
            q += count
        if plan.cut:
            cut_pixels(y, y_first + c, plan.columns, plan.y_column, min(plan.block, plan.channels - c), plan.cut)


@helper
def _alike(plan, q):
    """From the window q on in its row: how many have the same taps in the image, and the (first, end) of these taps."""
    left, last = q * plan.stride_w - plan.left, (plan.kernel_w - 1) * plan.dilation_w
    if left >= 0 and left + last < plan.width:
        return min((plan.width - 1 - last - left) // plan.stride_w + 1, plan.columns - q), 0, plan.kernel_w
    j_first, j_end = clipped_taps(left, plan.dilation_w, plan.kernel_w, plan.width)
    return 1, j_first, j_end


def correlate_weights(x, dy, sums, _a, _b, _, plans, thread, threads):
    """dw[i,j,c] = Σ_{n,p,q} x[n, p·s + i·d - top, q·s + j·d - left, c] · dy[n,p,q,c]

    Each thread sums up its own pixels, a few rows at a time while they are in the first-level cache, into its own part of sums.
    The rows of a tile are the taps of a kernel row.
    """
    plan, count = plans[0], len(sums) // threads
    sums = sums[thread * count : (thread + 1) * count]
    sums[:] = 0
    bands = -(-plan.rows // plan.band)
    for task in range(thread * plan.images * bands // threads, (thread + 1) * plan.images * bands // threads):
        image, row = task // bands, task % bands * plan.band
        for i in range(plan.kernel_h):
            below = i * plan.dilation_h - plan.top                              # the windows whose tap i lies in the image
            first = max(-(below // plan.stride_h), row, 0)
            end = min((plan.height - 1 - below) // plan.stride_h + 1, plan.rows, row + plan.band)
            if first < end:
                _add_products(x, dy, sums, plan, image, first, end - first, i)


@helper
def _add_products(x, dy, sums, plan, image, row, rows, i):
    """Adds the products of some rows to the sums of the kernel's row i."""
    line, across, pixel = plan.width * plan.channels, plan.dilation_w * plan.channels, plan.stride_w * plan.channels
    x_first = (image * plan.height + row * plan.stride_h + i * plan.dilation_h - plan.top) * line - plan.left * plan.channels
    dy_first = (image * plan.rows + row) * plan.columns * plan.channels
    for c in range(0, plan.channels, plan.block):
        q = 0
        while q < plan.columns:
            count, j, j_end = _alike(plan, q)
            while j < j_end:
                taps, to = min(j_end - j, plan.tile_rows), i * plan.w_i + j * plan.w_j + c
                multiply_tile(CHANNELS, taps, plan.vectors, x, x_first + q * pixel + j * across + c, dy, dy_first + q * plan.channels + c,
                              sums, to, sums, to, (1, rows, count), (0, plan.stride_h * line, pixel, across),
                              (0, plan.columns * plan.channels, plan.channels), plan.w_j, plan.w_j, plan.block)
                j += taps
            q += count
