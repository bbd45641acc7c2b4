"""Classic mistakes in interpolation, whose matrices[i] (new length, length) belong to axis 2 + i, and in padding by the image."""

import numpy as np

from ...elementary.windows import pad
from ...functional.padding import pad_border, pad_border_backward, pad_border_forward
from ...functional.resize import resize, resize_backward, resize_forward
from ...tensor import wrap
from .registry import mutants_of

mutant_resize = mutants_of("resize", resize)
mutant_pad = mutants_of("pad_border", pad_border)

# Interpolation -----------------------------------------------------------------------------------------------------------


@mutant_resize("forward", "y = A x Bᵀ: A belongs to the rows, B to the columns; you exchanged them.")
def matrices_exchanged(x, *, matrices):
    alike = len({m.shape for m in matrices}) == 1
    return resize_forward(x, matrices=matrices[::-1] if alike else matrices)


@mutant_resize("forward", "Each new pixel mixes the old ones around it, by their weights; you copied the nearest.")
def nearest_pixel_copied(x, *, matrices):
    _, saved = resize_forward(x, matrices=matrices)
    nearest = (np.eye(m.shape[1], dtype=x.dtype)[m.argmax(1)] for m in matrices)
    return resize_forward(x, matrices=tuple(nearest))[0], saved


@mutant_resize("backward", "An old pixel gets the sum of what the new ones made of it; you resized dy back, which is a mean.")
def dy_resized_back(dy, saved, needed):
    matrices, shape = saved
    return resize_backward(dy, (tuple(m / np.maximum(m.sum(0), 1e-9) for m in matrices), shape), needed)


@mutant_resize("backward", "Each old pixel gets something from every new one that it had a part in; you kept the largest part only.")
def largest_part_only(dy, saved, needed):
    matrices, shape = saved
    return resize_backward(dy, (tuple(np.where(m == m.max(0), m, 0) for m in matrices), shape), needed)


@mutant_resize("backward", "The forward's weights are the derivative; you added up dy without them.")
def weights_forgotten(dy, saved, needed):
    matrices, shape = saved
    return resize_backward(dy, (tuple((m != 0).astype(m.dtype) for m in matrices), shape), needed)


# Padding that continues the image ----------------------------------------------------------------------------------------


@mutant_pad("forward", "Mirroring does not repeat the border pixel: c b | a b c, not b a | a b c.")
def border_pixel_mirrored_too(x, *, widths, mode):
    y, saved = pad_border_forward(x, widths=widths, mode=mode)
    return np.pad(x, widths, "symmetric") if mode == "reflect" and np.min(widths) >= 0 else y, saved


@mutant_pad("forward", "The first width goes before the image, the second behind it; you exchanged them.")
def before_and_behind_exchanged(x, *, widths, mode):
    _, saved = pad_border_forward(x, widths=widths, mode=mode)
    return pad_border_forward(x, widths=tuple(width[::-1] for width in widths), mode=mode)[0], saved


@mutant_pad("forward", "'replicate' repeats the border; mirrored and circular padding copy other pixels.")
def always_replicated(x, *, widths, mode):
    return pad_border_forward(x, widths=widths, mode="replicate")


@mutant_pad("backward", "A copy in the border hands its gradient to its source; you cropped the border away.")
def border_cropped(dy, saved, needed):
    _, _, widths, _ = saved
    return (pad(wrap(dy), [(-before, -after) for before, after in widths]).array,)


@mutant_pad("backward", "A pixel copied to several places gets the sum of their gradients; you took the mean.")
def copies_averaged(dy, saved, needed):
    dx, = pad_border_backward(dy, saved, needed)
    copies, = pad_border_backward(np.ones_like(dy), saved, needed)
    return (dx / np.maximum(copies, 1),)


@mutant_pad("backward", "The border's gradient goes to the pixels it was copied from; you gave it to the outermost ones.")
def border_to_the_outermost(dy, saved, needed):
    shape, dtype, widths, _ = saved
    return pad_border_backward(dy, (shape, dtype, widths, "replicate"), needed)
