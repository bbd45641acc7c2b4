"""An activation at the end of a convolution, in pixels that have just been written and are in the cache: it costs no way over memory."""

import numpy as np

from ..inference import LIMIT, RELU6
from .launch import helper


@helper
def cut_pixels(y, first, pixels, step, channels, cut):
    """y = max(y, 0), for RELU6 min(max(y, 0), 6), in `channels` numbers of each of some pixels that are `step` apart."""
    zero, most = y.dtype.type(0), y.dtype.type(LIMIT if cut == RELU6 else np.inf)
    if step == channels:                                    # all of them in one piece
        pixels, channels = 1, pixels * channels
    for pixel in range(pixels):
        numbers = y[first + pixel * step : first + pixel * step + channels]
        for c in range(len(numbers)):
            value = zero if numbers[c] < zero else numbers[c]           # what is not a number stays so
            numbers[c] = most if value > most else value
