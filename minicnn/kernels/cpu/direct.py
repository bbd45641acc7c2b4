"""Direct convolution: no column matrix, the micro-kernel reads the windows where they lie, in images padded into the cache.

Each thread takes its share of the tasks (a few images, or a band of rows of one). It copies what a task sees of x into a buffer of
its own, with the zeros of the padding around it, small enough for the second-level cache. Then, for a block of output channels at
a time, each row of output pixels is cut into tiles of about equal width. The weights are packed beforehand so that a tile reads
them in order. What bounds it: the multipliers, as long as the weights of a block stay in the cache.
"""

from .launch import helper
from .vector import multiply_tile


def correlate(x, weights, bias, y, buffers, _, plans, thread, threads):
    """y[n,p,q,o] = bias[o] + Σ_{i,j,c} w[i,j,c,o] · x[n, p·s + i·d - top, q·s + j·d - left, c]

    x and y are channels-last images; weights and bias are packed (`Plan.weight_shape`).
    """
    plan, size = plans[0], len(buffers) // threads
    buffer = buffers[thread * size : (thread + 1) * size]
    bands = -(-plan.rows // plan.band)
    tasks = -(-plan.images // plan.together) * bands
    for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
        image, row = task // bands * plan.together, task % bands * plan.band
        images, rows = min(plan.together, plan.images - image), min(plan.band, plan.rows - row)
        source, first, image_step, row_step = see(x, plan, buffer, image, images, row, rows)
        for group in range(plan.groups):
            for block in range(plan.blocks):
                place = group * plan.blocks + block
                for n in range(images):
                    for p in range(rows):
                        _row_of_tiles(source, first + n * image_step + p * plan.stride_h * row_step + group * plan.depth, row_step,
                                      weights, bias, place, y,
                                      plan.y_first + (image + n) * plan.y_image + (row + p) * plan.y_row
                                      + group * plan.outs + block * plan.block,
                                      min(plan.outs - block * plan.block, plan.block), plan)


@helper(inline=True)
def _row_of_tiles(x, x_first, row_step, weights, bias, place, y, y_first, channels, plan):
    """One row of output pixels and one block of their channels."""
    depth, block = plan.depth, plan.block
    counts, across = (plan.kernel_h, plan.kernel_w, depth), plan.dilation_w * plan.channels
    if across == depth:                                     # a window's row lies in one piece
        counts = (plan.kernel_h, 1, plan.kernel_w * depth)
    pixel = plan.stride_w * plan.channels
    tiles, q = -(-plan.columns // plan.tile_rows), 0
    for tile in range(tiles):
        width = (plan.columns - q) // (tiles - tile)
        multiply_tile(width, plan.vectors, x, x_first + q * pixel, weights, place * plan.kernel_h * plan.kernel_w * depth * block,
                      y, y_first + q * plan.y_column, bias, place * block, counts,
                      (plan.dilation_h * row_step, across, 1, pixel), (plan.kernel_w * depth * block, depth * block, block),
                      plan.y_column, 0, channels)
        q += width


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
            target, pixels = buffer[to : to + width], x[source : source + end - inside]
            for v in range(inside):
                target[v] = 0
            for v in range(len(pixels)):
                target[inside + v] = pixels[v]
            for v in range(end, width):
                target[v] = 0
    return buffer, 0, seen * width, width


def correlate_weights(x, dy, sums, buffers, wides, _, plans, thread, threads):
    """dw[i,j,c,o] = Σ_{n,p,q} x[n, p·s + i·d - top, q·s + j·d - left, c] · dy[n,p,q,o]

    Each thread sums up its own images into its own part of sums (threads, packed weights), so that nobody waits; the order of
    the summation depends on nothing but the number of threads. A part of wides is where dy gets channels of full blocks.
    """
    plan, size, wide_size, count = plans[0], len(buffers) // threads, len(wides) // threads, len(sums) // threads
    buffer, wide = buffers[thread * size : (thread + 1) * size], wides[thread * wide_size : (thread + 1) * wide_size]
    sums = sums[thread * count : (thread + 1) * count]
    bands = -(-plan.rows // plan.band)
    tasks = -(-plan.images // plan.together) * bands
    for place in range(len(sums)):
        sums[place] = 0
    for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
        image, row = task // bands * plan.together, task % bands * plan.band
        images, rows = min(plan.together, plan.images - image), min(plan.band, plan.rows - row)
        source, first, image_step, row_step = see(x, plan, buffer, image, images, row, rows)
        for n in range(0, images, plan.sum_images):
            for p in range(0, rows, plan.sum_rows):
                some_images, some_rows = min(plan.sum_images, images - n), min(plan.sum_rows, rows - p)
                right, right_first, right_image, pixel = _whole_blocks(dy, wide, plan, image + n, some_images, row + p, some_rows)
                _add_products(source, first + n * image_step + p * plan.stride_h * row_step, image_step, row_step,
                              right, right_first, right_image, pixel, (some_images, some_rows, plan.columns), sums, plan)


@helper
def _whole_blocks(dy, wide, plan, image, images, row, rows):
    """dy where its channels fill the blocks, else a copy with zeros between the groups: (array, first, image step, pixel)."""
    outs, width = plan.outs, plan.blocks * plan.block
    channels, area = plan.groups * outs, plan.rows * plan.columns
    first = (image * area + row * plan.columns) * channels
    if outs == width:
        return dy, first, area * channels, channels
    pixels = rows * plan.columns
    for n in range(images):
        for q in range(pixels):
            for group in range(plan.groups):
                source, to = first + (n * area + q) * channels + group * outs, ((n * pixels + q) * plan.groups + group) * width
                for o in range(outs):
                    wide[to + o] = dy[source + o]
                for o in range(outs, width):
                    wide[to + o] = 0
    return wide, 0, pixels * plan.groups * width, plan.groups * width


@helper(inline=True)
def _add_products(x, x_first, image_step, row_step, dy, dy_first, dy_image, dy_pixel, counts, sums, plan):
    """Adds the products of some pixels to every weight's sum, tile by tile: neighbouring input channels are a tile's rows."""
    depth, block, across = plan.depth, plan.block, plan.dilation_w * plan.channels
    length, kernel_w = (depth * plan.kernel_w, 1) if across == depth else (depth, plan.kernel_w)
    tiles = -(-length // plan.tile_rows)
    for group in range(plan.groups):
        for part in range(plan.blocks):
            for i in range(plan.kernel_h):
                for j in range(kernel_w):
                    here = x_first + i * plan.dilation_h * row_step + j * across + group * depth
                    place = (((group * plan.blocks + part) * plan.kernel_h + i) * kernel_w + j) * length * block
                    c = 0
                    for tile in range(tiles):
                        height = (length - c) // (tiles - tile)
                        multiply_tile(height, plan.vectors, x, here + c, dy, dy_first + (group * plan.blocks + part) * block,
                                      sums, place + c * block, sums, place + c * block, counts,
                                      (image_step, plan.stride_h * row_step, plan.stride_w * plan.channels, 1),
                                      (dy_image, plan.columns * dy_pixel, dy_pixel), block, block, block)
                        c += height
