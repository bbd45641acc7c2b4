"""Direct convolution: no column matrix, the micro-kernel reads the windows where they lie, in images padded into the cache.

Each thread takes its share of the tasks (a few images, or a band of rows of one). It copies what a task sees of x into a buffer of
its own, with the zeros of the padding around it, small enough for the second-level cache. Then, for a block of output channels at
a time, each row of output pixels is cut into tiles of about equal width. The weights are packed beforehand so that a tile reads
them in order. Where those of a block are too many for the first-level cache, all rows of the task are gone over for some rows of
the kernel, then for the next ones, the sums waiting in y. What bounds it: the multipliers.
"""

from .cutting import cut_pixels
from .launch import helper
from .simd import broadcast, first, lanes, load, load_some, store, store_some
from .tile import PAIRS, PLAIN, multiply_tile


def pack(w, packed, _a, _b, _c, _, plans, thread, threads):
    """The weights in the order in which the tiles read them: group, block, kernel row, run, k, channel of the block.

    In pairs, the two k's of each channel lie beside each other. Channels and k's that do not exist are zeros.
    """
    plan = plans[0]
    lines = plan.groups * plan.blocks * plan.kernel_h * plan.runs
    paired = plan.kind == PAIRS
    steps, width = (-(-plan.run // 2), 2 * plan.block) if paired else (plan.run, plan.block)
    for line in range(thread * lines // threads, (thread + 1) * lines // threads):
        r, i, place = line % plan.runs, line // plan.runs % plan.kernel_h, line // (plan.runs * plan.kernel_h)
        outs = min(plan.outs - place % plan.blocks * plan.block, plan.block)
        first = (plan.w_first + place // plan.blocks * plan.w_group + place % plan.blocks * plan.block * plan.w_out
                 + i * plan.w_i + r * plan.w_j)
        for k in range(plan.run):
            source = first + k // plan.depth * plan.w_j + k % plan.depth * plan.w_in
            start, step = ((line * steps + k // 2) * width + k % 2, 2) if paired else ((line * steps + k) * width, 1)
            for o in range(outs):
                packed[start + o * step] = w[source + o * plan.w_out]
            for o in range(outs, plan.block):
                packed[start + o * step] = 0
        if paired and plan.run % 2:
            start = (line * steps + steps - 1) * width + 1
            for o in range(plan.block):
                packed[start + 2 * o] = 0


def correlate(x, packed, bias, y, buffers, _, plans, thread, threads):
    """y[n,p,q,o] = bias[o] + Σ_{i,j,c} w[i,j,c,o] · x[n, p·s + i·d - top, q·s + j·d - left, c]

    x and y are channels-last images; weights and bias are packed. At the end y may be cut, while it is in the cache.
    """
    plan, size = plans[0], len(buffers) // threads
    buffer = buffers[thread * size : (thread + 1) * size]
    weights = len(packed) // (plan.groups * plan.blocks)
    parts, bands = -(-plan.kernel_h // plan.kernel_rows), -(-plan.rows // plan.band)
    tasks = -(-plan.images // plan.together) * bands
    for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
        image, row = task // bands * plan.together, task % bands * plan.band
        images, rows = min(plan.together, plan.images - image), min(plan.band, plan.rows - row)
        source, first, image_step, row_step = see(x, plan, buffer, image, images, row, rows)
        for part in range(plan.groups * plan.blocks * parts):
            place, i = part // parts, part % parts * plan.kernel_rows
            group, block = place // plan.blocks, place % plan.blocks
            below = first + i * plan.dilation_h * row_step + group * plan.depth
            for n in range(images):
                for p in range(rows):
                    _row_of_tiles(source, below + n * image_step + p * plan.stride_h * row_step, row_step, packed,
                                  place * weights + i * (weights // plan.kernel_h), bias, place * plan.block, y,
                                  plan.y_first + (image + n) * plan.y_image + (row + p) * plan.y_row
                                  + group * plan.outs + block * plan.block,
                                  min(plan.outs - block * plan.block, plan.block), i, plan)
                    if plan.cut and part % parts == parts - 1:
                        cut_pixels(y, plan.y_first + (image + n) * plan.y_image + (row + p) * plan.y_row + group * plan.outs
                                   + block * plan.block, plan.columns, plan.y_column, min(plan.outs - block * plan.block, plan.block),
                                   plan.cut)


@helper(inline=True)
def _row_of_tiles(x, x_first, row_step, packed, w_first, bias, bias_first, y, y_first, channels, i, plan):
    """One row of output pixels, one block of their channels, and some kernel rows from i on: added to y where they are not the first."""
    pixel, across = plan.stride_w * plan.channels, plan.dilation_w * plan.channels
    steps, width = (-(-plan.run // 2), 2 * plan.block) if plan.kind == PAIRS else (plan.run, plan.block)
    start, start_first, start_step = (y, y_first, plan.y_column) if i else (bias, bias_first, 0)
    tiles, q = -(-plan.columns // plan.tile_rows), 0
    for tile in range(tiles):
        count = (plan.columns - q) // (tiles - tile)
        multiply_tile(plan.kind, count, plan.vectors, x, x_first + q * pixel, packed, w_first, y, y_first + q * plan.y_column,
                      start, start_first + q * start_step, (min(plan.kernel_rows, plan.kernel_h - i), plan.runs, plan.run),
                      (plan.dilation_h * row_step, across, 1, pixel), (plan.runs * steps * width, steps * width, width),
                      plan.y_column, start_step, channels)
        q += count


@helper
def see(x, plan, buffer, image, images, row, rows):
    """Where the windows of some output rows read: (array, first place, step to the next image, to the next row).

    That is x itself where no window reaches over its edge, else the buffer, filled with what they see.
    """
    line = plan.width * plan.channels
    start = row * plan.stride_h - plan.top
    if not plan.padded:
        return x, (image * plan.height + start) * line - plan.left * plan.channels, plan.height * line, line
    seen = (rows - 1) * plan.stride_h + (plan.kernel_h - 1) * plan.dilation_h + 1
    width = ((plan.columns - 1) * plan.stride_w + (plan.kernel_w - 1) * plan.dilation_w + 1) * plan.channels
    left = min(max(plan.left * plan.channels, 0), width)    # how much lies before the image, and where it ends
    skip = max(-plan.left * plan.channels, 0)
    right = max(min(left + line - skip, width), left)
    for n in range(images):
        for r in range(seen):
            to, h = (n * seen + r) * width, start + r
            source = max(((image + n) * plan.height + h) * line + skip, 0)
            inside, end = (left, right) if 0 <= h < plan.height else (width, width)
            _clear(buffer, to, inside)
            _copy(x, source, buffer, to + inside, end - inside)
            _clear(buffer, to + end, width - end)
    return buffer, 0, seen * width, width


@helper(inline=True)
def _clear(buffer, to, count):
    """buffer[to : to + count] = 0. A mask for the last few alone: where a CPU has none, each of its lanes takes a jump."""
    zero, step = broadcast(buffer, 0), lanes(buffer)
    whole = count - count % step
    for v in range(0, whole, step):
        store(buffer, to + v, zero)
    if whole < count:
        store_some(buffer, to + whole, zero, first(buffer, count - whole))


@helper(inline=True)
def _copy(x, source, buffer, to, count):
    """buffer[to : to + count] = x[source : source + count]"""
    step = lanes(buffer)
    whole = count - count % step
    for v in range(0, whole, step):
        store(buffer, to + v, load(x, source + v))
    if whole < count:
        some = first(buffer, count - whole)
        store_some(buffer, to + whole, load_some(x, source + whole, some), some)


# The gradient of the weights --------------------------------------------------------------------------------------------------


def correlate_weights(x, dy, sums, buffers, _a, _, plans, thread, threads):
    """dw[i,j,c,o] = Σ_{n,p,q} x[n, p·s + i·d - top, q·s + j·d - left, c] · dy[n,p,q,o]

    Each thread sums up its own images into its own part of sums, so that nobody waits; the order of the summation depends on
    nothing but the number of threads. A tile may reach beyond the last channel: what it reads there, the next pixel or the slack
    behind the array, ends in columns that nobody reads.
    """
    plan, size, count = plans[0], len(buffers) // threads, len(sums) // threads
    buffer = buffers[thread * size : (thread + 1) * size]
    sums = sums[thread * count : (thread + 1) * count]
    bands = -(-plan.rows // plan.band)
    tasks = -(-plan.images // plan.together) * bands
    channels = plan.groups * plan.outs
    for place in range(count):
        sums[place] = 0
    for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
        image, row = task // bands * plan.together, task % bands * plan.band
        images, rows = min(plan.together, plan.images - image), min(plan.band, plan.rows - row)
        source, first, image_step, row_step = see(x, plan, buffer, image, images, row, rows)
        for n in range(0, images, plan.sum_images):
            for p in range(0, rows, plan.sum_rows):
                counts = (min(plan.sum_images, images - n), min(plan.sum_rows, rows - p), plan.columns)
                _add_products(source, first + n * image_step + p * plan.stride_h * row_step, image_step, row_step, dy,
                              ((image + n) * plan.rows + row + p) * plan.columns * channels, counts, sums, plan)


@helper(inline=True)
def _add_products(x, x_first, image_step, row_step, dy, dy_first, counts, sums, plan):
    """Adds the products of some pixels to every weight's sum, tile by tile."""
    channels = plan.groups * plan.outs
    x_steps = (image_step, plan.stride_h * row_step, plan.stride_w * plan.channels, 1)
    dy_steps = (plan.rows * plan.columns * channels, plan.columns * channels, channels, 1)
    length = plan.outs if plan.turned else plan.run
    tiles = -(-length // plan.tile_rows)
    for line in range(plan.groups * plan.kernel_h * plan.runs):
        group, i, r = line // (plan.kernel_h * plan.runs), line // plan.runs % plan.kernel_h, line % plan.runs
        window = x_first + i * plan.dilation_h * row_step + r * plan.dilation_w * plan.channels + group * plan.depth
        pixel = dy_first + group * plan.outs
        for block in range(plan.blocks):
            m, place = 0, (line * plan.blocks + block) * length * plan.block
            for tile in range(tiles):
                height = (length - m) // (tiles - tile)
                to = place + m * plan.block
                if plan.turned:
                    multiply_tile(PLAIN, height, plan.vectors, dy, pixel + m, x, window + block * plan.block, sums, to, sums, to, counts,
                                  dy_steps, x_steps[:3], plan.block, plan.block, plan.block)
                else:
                    multiply_tile(PLAIN, height, plan.vectors, x, window + m, dy, pixel + block * plan.block, sums, to, sums, to, counts,
                                  x_steps, dy_steps[:3], plan.block, plan.block, plan.block)
                m += height


def unpack(sums, dw, _a, _b, _c, _, plans, thread, threads):
    """dw (O, C/G, KH, KW): what all threads have summed up, `count` sums each, in their order."""
    plan = plans[0]
    lines, taps, channels = plan.kernel_h * plan.runs, plan.kernel_h * plan.kernel_w, plan.groups * plan.outs
    length = plan.blocks * plan.block * (plan.outs if plan.turned else plan.run)
    count = plan.groups * lines * length
    parts = len(sums) // count
    width, step = (plan.block, 1) if plan.turned else (plan.run, plan.block)        # k's that lie a step apart
    for o in range(thread * channels // threads, (thread + 1) * channels // threads):
        group, out = o // plan.outs, o % plan.outs
        start = out * width if plan.turned else out // plan.block * plan.run * plan.block + out % plan.block
        for line in range(lines):
            i, j = line // plan.runs, line % plan.runs
            place = (group * lines + line) * length + start
            to, c = o * plan.depth * taps + i * plan.kernel_w + j, 0
            for before in range(0, plan.run, width):
                k, end = 0, min(width, plan.run - before)
                while k < end:                              # as much as belongs to one pixel
                    piece = min(end - k, plan.depth - c)
                    for n in range(piece):
                        total = sums[place + (k + n) * step]
                        for other in range(1, parts):
                            total += sums[other * count + place + (k + n) * step]
                        dw[to + n * taps] = total
                    k, c, to = k + piece, c + piece, to + piece * taps
                    if c == plan.depth:
                        to, c = to + 1 - plan.depth * taps, 0
                place += plan.outs * width
