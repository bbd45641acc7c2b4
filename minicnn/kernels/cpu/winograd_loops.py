"""The loops of Winograd's convolution: transform some tiles, multiply point by point, transform back, all inside the cache.

All tiles of all images are counted through, image by image and row by row, and every thread takes an equal share of them, be it half
of one image. It works on `plan.together` tiles at a time, in buffers of its own:

    planes[point, tile, channel]      the transformed tiles, 36 matrices whose rows are tiles
    products[point, tile, channel]    planes times weights, for one block of output channels

Both stay in the second-level cache, the weights of a point and block in the first. A plane's size is no power of two, or its 36 numbers
of a pixel would fall on the same few lines of the cache. With many channels the multipliers bound it, with few the transforms.
"""

from .launch import helper
from .tiling import PLANES
from .transforms import POINTS, TAPS, TILE, transform_tile
from .vector import multiply_tile

NOWHERE = (0, 0, 0, 0)      # the box of a transform between buffers


@helper(inline=True)
def _corner(place, plan):
    """(image, first row, first column) of the output pixels of a tile."""
    image, rest = divmod(place, plan.tiles_h * plan.tiles_w)
    row, column = divmod(rest, plan.tiles_w)
    return image, TILE * row, TILE * column


@helper
def _see(x, plan, place, channel, channels, planes, plane, to, zeros, zeros_at):
    """The 36 points of the 6x6 pixels that a tile's windows touch."""
    image, row, column = _corner(place, plan)
    row, column, line = row - plan.top, column - plan.left, plan.width * plan.channels
    box = max(-row, 0), min(plan.height - row, POINTS), max(-column, 0), min(plan.width - column, POINTS)
    transform_tile("input", x, ((image * plan.height + row) * plan.width + column) * plan.channels + channel, (line, plan.channels, 1),
                   planes, to, (POINTS * plane, plane), channels, x, 0, zeros, zeros_at, box)


# y, and the gradient of x -------------------------------------------------------------------------------------------------


def transform_weights(w, packed, _a, _b, _c, _whole, plans, thread, threads):
    """packed[block, :, :, c, o] = G · w[o,c] · Gᵀ, for each block of output channels in the order in which the tiles read it.

    Where an output channel's, an input channel's and a tap's weights lie is in the plan: reversed for the gradient of x.
    """
    plan = plans[0]
    block, total = plan.block, plan.blocks * plan.channels
    for task in range(thread * total // threads, (thread + 1) * total // threads):
        part, c = divmod(task, plan.channels)
        source = min(part * block, plan.outs - block) * plan.out_step + c * plan.in_step + plan.tap_first
        transform_tile("weights", w, source, (3 * plan.tap_step, plan.tap_step, plan.out_step),
                       packed, part * PLANES * plan.weight_plane + c * block, (POINTS * plan.weight_plane, plan.weight_plane),
                       block, w, 0, w, 0, NOWHERE)


def correlate(x, weights, bias, y, buffers, _whole, plans, thread, threads):
    """y[tile,o] = bias[o] + Aᵀ · (Σ_c weights[:,:,c,o] · (Bᵀ · x[tile,c] · B)) · A"""
    plan, size = plans[0], len(buffers) // threads
    planes = buffers[thread * size : (thread + 1) * size]
    products, spare = PLANES * plan.plane, PLANES * (plan.plane + plan.product_plane)
    planes[spare : spare + plan.channels] = 0               # read in place of the padding
    first, end = thread * plan.tiles // threads, (thread + 1) * plan.tiles // threads
    for place in range(first, end, plan.together):
        tiles = min(plan.together, end - place)
        for tile in range(tiles):
            _see(x, plan, place + tile, 0, plan.channels, planes, plan.plane, tile * plan.channels, planes, spare)
        for part in range(plan.blocks):
            _multiply_points(planes, weights, part, products, tiles, plan)
            channel = min(part * plan.block, plan.outs - plan.block)
            for tile in range(tiles):
                image, row, column = _corner(place + tile, plan)
                line = plan.columns * plan.outs
                transform_tile("output", planes, products + tile * plan.block, (POINTS * plan.product_plane, plan.product_plane, 1),
                               y, (image * plan.rows + row) * line + column * plan.outs + channel, (line, plan.outs), plan.block,
                               bias, channel, planes, spare + plan.channels, (0, plan.rows - row, 0, plan.columns - column))


@helper(inline=True)
def _multiply_points(planes, weights, part, products, tiles, plan):
    """For each of the 36 points, the matrix product (tiles, o) = (tiles, c) @ (c, o) for one block of channels o."""
    channels, block = plan.channels, plan.block
    strips = -(-tiles // plan.tile_rows)
    for point in range(PLANES):
        tile = 0
        for strip in range(strips):
            height = (tiles - tile) // (strips - strip)
            multiply_tile(height, plan.vectors, planes, point * plan.plane + tile * channels,
                          weights, (part * PLANES + point) * plan.weight_plane,
                          planes, products + point * plan.product_plane + tile * block, weights, len(weights) - block,
                          (1, 1, channels), (0, 0, 1, channels), (0, 0, block), block, 0, block)
            tile += height


# The gradient of w --------------------------------------------------------------------------------------------------------


def correlate_weights(x, dy, sums, dw, buffers, _whole, plans, thread, threads):
    """dw[o,c] = Gᵀ · (Σ_tile (Bᵀ · x[tile,c] · B) · (A · dy[tile,o] · Aᵀ)) · G

    A unit of work is a block of input channels times a block of output channels, small enough for its sums to stay in the cache
    while all tiles pass by, or one of plan.splits parts of the tiles. Each unit has its own sums, and all is added up in an order
    that depends on nothing but the number of threads.
    """
    plan, size = plans[0], len(buffers) // threads
    planes = buffers[thread * size : (thread + 1) * size]
    units, one = plan.parts_in * plan.parts_out * plan.splits, PLANES * plan.sum_plane + plan.block
    for unit in range(thread * units // threads, (thread + 1) * units // threads):
        part, split = divmod(unit, plan.splits)
        slot = (unit if plan.splits > 1 else thread) * one
        sums[slot : slot + one] = 0
        _sum_tiles(x, dy, part, split * plan.tiles // plan.splits, (split + 1) * plan.tiles // plan.splits, planes, sums, slot, plan)
        if plan.splits == 1:
            c, depth, _, _ = _part(part, plan)
            for k in range(depth):
                _finish(sums, slot, part, k, dw, planes, 0, plan)


def add_splits(sums, dw, buffers, _a, _b, _whole, plans, thread, threads):
    """The last step of `correlate_weights` where units of several threads have a share in each weight."""
    plan, size = plans[0], len(buffers) // threads
    one, total = PLANES * plan.sum_plane + plan.block, plan.parts_in * plan.parts_out * plan.depth
    for task in range(thread * total // threads, (thread + 1) * total // threads):
        part, k = divmod(task, plan.depth)
        _, depth, _, outs = _part(part, plan)
        if k < depth:
            first = part * plan.splits * one
            for point in range(PLANES):
                row = first + point * plan.sum_plane + k * plan.width_out
                total_row = sums[row : row + outs]
                for split in range(1, plan.splits):
                    other = sums[row + split * one : row + split * one + outs]
                    for o in range(outs):
                        total_row[o] += other[o]
            _finish(sums, first, part, k, dw, buffers, thread * size, plan)


@helper
def _part(part, plan):
    """(first, number) of the input channels and of the output channels of a part."""
    i, o = part // plan.parts_out, part % plan.parts_out
    c, first = i * plan.channels // plan.parts_in, o * plan.outs // plan.parts_out
    return c, (i + 1) * plan.channels // plan.parts_in - c, first, (o + 1) * plan.outs // plan.parts_out - first


@helper
def _sum_tiles(x, dy, part, first, end, planes, sums, slot, plan):
    """sums[point, c, o] += Σ_tile planes_of_x[point, tile, c] · planes_of_dy[point, tile, o]"""
    c, depth, channel, outs = _part(part, plan)
    right, spare = PLANES * plan.plane, PLANES * (plan.plane + plan.product_plane) + plan.block
    planes[spare : spare + max(depth, outs)] = 0            # read in place of the padding
    line, strips = plan.columns * plan.outs, -(-depth // plan.tile_rows)
    for place in range(first, end, plan.together):
        tiles = min(plan.together, end - place)
        for tile in range(tiles):
            _see(x, plan, place + tile, c, depth, planes, plan.plane, tile * depth, planes, spare)
            image, row, column = _corner(place + tile, plan)
            transform_tile("output's gradient", dy, (image * plan.rows + row) * line + column * plan.outs + channel,
                           (line, plan.outs, 1), planes, right + tile * outs, (POINTS * plan.product_plane, plan.product_plane), outs,
                           dy, 0, planes, spare, (0, plan.rows - row, 0, plan.columns - column))
        for point in range(PLANES):
            for o in range(0, outs, plan.block):
                k = 0
                for strip in range(strips):
                    height = (depth - k) // (strips - strip)
                    here = slot + point * plan.sum_plane + k * plan.width_out + o
                    multiply_tile(height, plan.vectors, planes, point * plan.plane + k, planes, right + point * plan.product_plane + o,
                                  sums, here, sums, here, (1, 1, tiles), (0, 0, depth, 1), (0, 0, outs),
                                  plan.width_out, plan.width_out, outs - o)
                    k += height


@helper
def _finish(sums, slot, part, k, dw, scratch, to, plan):
    """dw[o,c] = Gᵀ · sums[:,:,c,o] · G for the k-th input channel of a part and all its output channels."""
    c, _, channel, outs = _part(part, plan)
    transform_tile("weights' gradient", sums, slot + k * plan.width_out, (POINTS * plan.sum_plane, plan.sum_plane, 1),
                   scratch, to, (3 * outs, outs), outs, scratch, 0, scratch, 0, NOWHERE)
    for o in range(outs):
        weight = dw[((channel + o) * plan.channels + c + k) * TAPS :]
        for tap in range(TAPS):
            weight[tap] = scratch[to + tap * outs + o]
