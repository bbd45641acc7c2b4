"""The loops of Winograd's convolution: transform some tiles, multiply point by point, transform back, all inside the cache.

All tiles of all images are counted through, image by image and row by row, and every thread takes an equal share of them, be it half
of one image. It works on `plan.together` tiles at a time, in buffers of its own:

    planes[point, tile, channel]      the transformed tiles, a matrix for each point (36 for tiles of 4x4 pixels) whose rows are tiles
    products[point, tile, channel]    planes times weights, for one block of output channels

Both stay in the second-level cache, the weights of a point and block in the first. A plane's size is no power of two, or a pixel's numbers
would fall on the same few lines of the cache. With many channels the multipliers bound it, with few the transforms.

The helpers are written out where they are called: each level of calls would compile the transforms once more.
"""

from .cutting import cut_pixels
from .launch import helper
from .tile import PLAIN, multiply_tile
from .transforms import TAPS, transform_tile

NOWHERE = (0, 0, 0, 0)      # the box of a transform between buffers


@helper(inline=True)
def _corner(place, plan):
    """(image, first row, first column) of the output pixels of a tile."""
    image, rest = divmod(place, plan.tiles_h * plan.tiles_w)
    row, column = divmod(rest, plan.tiles_w)
    return image, plan.tile * row, plan.tile * column


@helper(inline=True)
def _see(x, plan, place, channel, channels, planes, plane, to, zeros, zeros_at):
    """The points of the pixels that a tile's windows touch: 36 of 6x6 pixels for a tile of 4x4."""
    image, row, column = _corner(place, plan)
    row, column, line = row - plan.top, column - plan.left, plan.width * plan.channels
    box = max(-row, 0), min(plan.height - row, plan.side), max(-column, 0), min(plan.width - column, plan.side)
    transform_tile("input", plan.tile, x, ((image * plan.height + row) * plan.width + column) * plan.channels + channel,
                   (line, plan.channels, 1), planes, to, (plan.side * plane, plane, 1), channels, x, 0, zeros, zeros_at, box)


# y, and the gradient of x -------------------------------------------------------------------------------------------------


@helper(inline=True)
def _transform_weights(w, part, channel, packed, to, plan):
    """packed[:, :, o] = G · w[o,c] · Gᵀ for a block of output channels and one input channel, in the order the tiles read it.

    For tiles of pairs, those of two input channels, by turns. Where an output channel's, an input channel's and a tap's weights lie is
    in the plan: reversed for the gradient of x.
    """
    first = min(part * plan.block, plan.outs - plan.block) * plan.out_step + channel * plan.in_step + plan.tap_first
    transform_tile("weights", plan.tile, w, first, (3 * plan.tap_step, plan.tap_step, plan.out_step, plan.in_step, plan.kind),
                   packed, to, (plan.side * plan.weight_plane, plan.weight_plane, 1), plan.block << plan.kind, w, 0, w, 0, NOWHERE)


@helper(inline=True)
def _multiply_points(planes, first, depth, weights, weights_first, products, products_first, tiles, start, start_first, carried, plan):
    """products = start + planes @ weights for each of the points: (tiles, o) = (tiles, c) @ (c, o) with `depth` channels c.

    The start is the products themselves where they are carried on (1), else (0) a block of zeros.
    """
    strips = -(-tiles // plan.tile_rows)
    for point in range(plan.points):
        tile = 0
        for strip in range(strips):
            height, place = (tiles - tile) // (strips - strip), point * plan.product_plane + tile * plan.block
            multiply_tile(plan.kind, height, plan.vectors, planes, first + point * plan.plane + tile * plan.channels,
                          weights, weights_first + point * plan.weight_plane, products, products_first + place,
                          start, start_first + carried * place, (1, 1, depth), (0, 0, 1, plan.channels), (0, 0, plan.block << plan.kind),
                          plan.block, carried * plan.block, plan.block)
            tile += height


@helper(inline=True)
def _show(products, first, place, part, bias, y, spare, plan):
    """The pixels of one tile and one block of channels, from the products' points."""
    image, row, column = _corner(place, plan)
    channel, line = min(part * plan.block, plan.outs - plan.block), plan.columns * plan.outs
    transform_tile("output", plan.tile, products, first, (plan.side * plan.product_plane, plan.product_plane, 1),
                   y, (image * plan.rows + row) * line + column * plan.outs + channel, (line, plan.outs, 1), plan.block,
                   bias, channel, products, spare, (0, plan.rows - row, 0, plan.columns - column))
    if plan.cut:
        for i in range(row, min(row + plan.tile, plan.rows)):
            cut_pixels(y, (image * plan.rows + i) * line + column * plan.outs + channel, min(plan.tile, plan.columns - column), plan.outs,
                       plan.block, plan.cut)


def transform_weights(w, packed, _a, _b, _c, _whole, plans, thread, threads):
    """packed[block, :, :, c, o] = G · w[o,c] · Gᵀ for each block of output channels."""
    plan = plans[0]
    steps = plan.channels >> plan.kind                      # one channel each, or two
    total = plan.blocks * steps
    for task in range(thread * total // threads, (thread + 1) * total // threads):
        part, c = divmod(task, steps)
        c <<= plan.kind
        _transform_weights(w, part, c, packed, part * plan.points * plan.weight_plane + c * plan.block, plan)


def correlate(x, weights, bias, y, buffers, _whole, plans, thread, threads):
    """y[tile,o] = bias[o] + Aᵀ · (Σ_c weights[:,:,c,o] ⊙ (Bᵀ · x[tile,c] · B)) · A, for some tiles at a time.

    Each thread takes a share of the tiles. Their planes stay in the cache while all blocks of output channels pass by.
    """
    plan, size = plans[0], len(buffers) // threads
    planes = buffers[thread * size : (thread + 1) * size]
    products, spare = plan.points * plan.plane, plan.points * (plan.plane + plan.product_plane)
    planes[spare : spare + plan.channels] = 0               # read in place of the padding
    first, end = thread * plan.tiles // threads, (thread + 1) * plan.tiles // threads
    for place in range(first, end, plan.together):
        tiles = min(plan.together, end - place)
        for tile in range(tiles):
            _see(x, plan, place + tile, 0, plan.channels, planes, plan.plane, tile * plan.channels, planes, spare)
        for part in range(plan.blocks):
            _multiply_points(planes, 0, plan.channels, weights, part * plan.points * plan.weight_plane, planes, products, tiles,
                             weights, len(weights) - plan.block, 0, plan)
            for tile in range(tiles):
                _show(planes, products + tile * plan.block, place + tile, part, bias, y, spare + plan.channels, plan)


def transform_images(x, planes, _a, _b, _c, _whole, plans, thread, threads):
    """planes[:, :, tile, c] = Bᵀ · x[tile,c] · B for all tiles; the planes end with zeros for a pixel."""
    plan = plans[0]
    for tile in range(thread * plan.tiles // threads, (thread + 1) * plan.tiles // threads):
        _see(x, plan, tile, 0, plan.channels, planes, plan.plane, tile * plan.channels, planes, plan.points * plan.plane)


def correlate_blocks(planes, w, bias, y, buffers, _whole, plans, thread, threads):
    """The same as `correlate` for few tiles: each thread takes a share of the blocks of output channels.

    There are more weights than pixels, and their points would not fit the cache. So a thread transforms `plan.depth` input
    channels of a block's weights, in its buffer, uses them for all tiles, and adds up the products in the buffer's other part.
    """
    plan, size = plans[0], len(buffers) // threads
    buffer = buffers[thread * size : (thread + 1) * size]
    weights, spare = plan.points * plan.product_plane, plan.points * (plan.product_plane + plan.weight_plane)
    for part in range(thread * plan.blocks // threads, (thread + 1) * plan.blocks // threads):
        buffer[: plan.points * plan.product_plane] = 0
        for channel in range(0, plan.channels, plan.depth):
            depth = min(plan.depth, plan.channels - channel)
            for c in range(0, depth, 1 << plan.kind):
                _transform_weights(w, part, channel + c, buffer, weights + c * plan.block, plan)
            _multiply_points(planes, channel, depth, buffer, weights, buffer, 0, plan.tiles, buffer, 0, 1, plan)
        for tile in range(plan.tiles):
            _show(buffer, tile * plan.block, tile, part, bias, y, spare, plan)


# The gradient of w --------------------------------------------------------------------------------------------------------


def correlate_weights(x, dy, sums, dw, buffers, _whole, plans, thread, threads):
    """dw[o,c] = Gᵀ · (Σ_tile (Bᵀ · x[tile,c] · B) ⊙ (A · dy[tile,o] · Aᵀ)) · G

    A unit of work is a block of input channels times a block of output channels, small enough for its sums to stay in the cache
    while all tiles pass by, or one of plan.splits parts of the tiles. Each unit has its own sums, and all is added up in an order
    that depends on nothing but the number of threads.
    """
    plan, size = plans[0], len(buffers) // threads
    planes = buffers[thread * size : (thread + 1) * size]
    units, one = plan.parts_in * plan.parts_out * plan.splits, plan.points * plan.sum_plane + plan.block
    for unit in range(thread * units // threads, (thread + 1) * units // threads):
        part, split = divmod(unit, plan.splits)
        slot = (unit if plan.splits > 1 else thread) * one
        _sum_tiles(x, dy, part, split * plan.tiles // plan.splits, (split + 1) * plan.tiles // plan.splits, planes, sums, slot, plan)
        if plan.splits == 1:
            for k in range(_part(part, plan)[1]):
                _finish(sums, slot, part, k, dw, plan)


def add_splits(sums, dw, _a, _b, _c, _whole, plans, thread, threads):
    """The last step of `correlate_weights` where units of several threads have a share in each weight."""
    plan = plans[0]
    one, total = plan.points * plan.sum_plane + plan.block, plan.parts_in * plan.parts_out * plan.depth
    for task in range(thread * total // threads, (thread + 1) * total // threads):
        part, k = divmod(task, plan.depth)
        _, depth, _, outs = _part(part, plan)
        if k < depth:
            first = part * plan.splits * one
            for point in range(plan.points):
                row = first + point * plan.sum_plane + k * plan.width_out
                total_row = sums[row : row + outs]
                for split in range(1, plan.splits):
                    other = sums[row + split * one : row + split * one + outs]
                    for o in range(outs):
                        total_row[o] += other[o]
            _finish(sums, first, part, k, dw, plan)


@helper(inline=True)
def _part(part, plan):
    """(first, number) of the input channels and of the output channels of a part."""
    i, o = divmod(part, plan.parts_out)
    c, channel = i * plan.channels // plan.parts_in, o * plan.outs // plan.parts_out
    return c, (i + 1) * plan.channels // plan.parts_in - c, channel, (o + 1) * plan.outs // plan.parts_out - channel


@helper(inline=True)
def _sum_tiles(x, dy, part, first, end, planes, sums, slot, plan):
    """sums[point, c, o] = Σ_tile planes_of_x[point, tile, c] · planes_of_dy[point, tile, o]"""
    c, depth, channel, outs = _part(part, plan)
    right, spare = plan.points * plan.plane, plan.points * (plan.plane + plan.product_plane) + plan.block
    planes[spare : spare + max(depth, outs)] = 0            # read in place of the padding
    nothing, line = slot + plan.points * plan.sum_plane, plan.columns * plan.outs
    sums[nothing : nothing + plan.block] = 0                # what the sums begin with
    for place in range(first, end, plan.together):
        tiles = min(plan.together, end - place)
        for tile in range(tiles):
            _see(x, plan, place + tile, c, depth, planes, plan.plane, tile * depth, planes, spare)
            image, row, column = _corner(place + tile, plan)
            transform_tile("output's gradient", plan.tile, dy, (image * plan.rows + row) * line + column * plan.outs + channel,
                           (line, plan.outs, 1), planes, right + tile * outs, (plan.side * plan.product_plane, plan.product_plane, 1),
                           outs, dy, 0, planes, spare, (0, plan.rows - row, 0, plan.columns - column))
        _add_points(planes, right, depth, outs, tiles, sums, slot, nothing, place > first, plan)


@helper(inline=True)
def _add_points(planes, right, depth, outs, tiles, sums, slot, nothing, carried, plan):
    """sums += planes_of_xᵀ @ planes_of_dy for each of the points: (c, o) = (c, tiles) @ (tiles, o)."""
    strips = -(-depth // plan.tile_rows)
    for point in range(plan.points):
        for o in range(0, outs, plan.block):
            k = 0
            for strip in range(strips):
                height, here = (depth - k) // (strips - strip), slot + point * plan.sum_plane + k * plan.width_out + o
                multiply_tile(PLAIN, height, plan.vectors, planes, point * plan.plane + k, planes, right + point * plan.product_plane + o,
                              sums, here, sums, here if carried else nothing, (1, 1, tiles), (0, 0, depth, 1), (0, 0, outs),
                              plan.width_out, plan.width_out * carried, outs - o)
                k += height


@helper(inline=True)
def _finish(sums, slot, part, k, dw, plan):
    """dw[o,c] = Gᵀ · sums[:,:,c,o] · G for the k-th input channel of a part and all its output channels."""
    c, _, channel, outs = _part(part, plan)
    transform_tile("weights' gradient", plan.tile, sums, slot + k * plan.width_out, (plan.side * plan.sum_plane, plan.sum_plane, 1),
                   dw, (channel * plan.channels + c + k) * TAPS, (3, 1, TAPS * plan.channels), outs, sums, 0, sums, 0, NOWHERE)
