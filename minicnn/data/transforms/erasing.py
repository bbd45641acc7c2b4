"""RandomErasing: a rectangle of a tensor set to a value (Zhong et al., 2017)."""

import math
from collections.abc import Sequence
from numbers import Number

import numpy as np

from ...errors import BadType, BadValue
from . import functional as F
from .functional.kinds import array_of, is_pillow
from .geometry import check_interval
from .transform import chance, probability, stream, uniform


class RandomErasing:
    """A random rectangle of a tensor (..., C, H, W) erased, with probability p.

    scale    its share of the image's area, from ... to
    ratio    its height to its width, from ... to
    value    what it is set to: a number, one per channel, or "random": normal noise
    inplace  change the tensor itself
    """

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        if not isinstance(value, (Number, str, tuple, list)):
            raise BadType(f"value must be a number, one per channel, or 'random', got {value!r}")
        if isinstance(value, str) and value != "random":
            raise BadValue(f"value must be a number, one per channel, or 'random', got {value!r}")
        check_interval("scale", scale)
        check_interval("ratio", ratio)
        if scale[1] > 1:
            raise BadValue(f"scale must be between 0 and 1, got {scale!r}")
        self.p, self.scale, self.ratio, self.value, self.inplace = probability(p), scale, ratio, value, inplace

    @staticmethod
    def get_params(img, scale, ratio, value=None):
        """(top, left, height, width, what it is set to); after ten rectangles that do not fit, the image itself as it is.

        value  a list of 1 or C numbers; None: normal noise
        """
        array = array_of(img)
        channels, rows, columns = array.shape[-3:]
        for _ in range(10):
            area = rows * columns * uniform(*scale)
            aspect = math.exp(uniform(*map(math.log, ratio)))
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if height < rows and width < columns:
                top, left = (int(stream().integers(n + 1)) for n in (rows - height, columns - width))
                filling = stream().standard_normal((channels, height, width)) if value is None else np.reshape(value, (-1, 1, 1))
                return top, left, height, width, filling
        return 0, 0, rows, columns, array

    def __call__(self, img):
        if is_pillow(img):
            raise BadType("only tensors are erased: put RandomErasing after ToTensor")
        if not chance(self.p):
            return img
        *place, filling = self.get_params(img, self.scale, self.ratio, self._values(array_of(img).shape[-3]))
        return F.erase(img, *place, filling, self.inplace)

    def _values(self, channels):
        if isinstance(self.value, str):
            return None
        values = list(self.value) if isinstance(self.value, Sequence) else [self.value]
        if len(values) not in (1, channels):
            raise BadValue(f"value must be one number, or one for each of {channels} channels, got {self.value!r}")
        return values

    def __repr__(self):
        return (f"RandomErasing(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, "
                f"inplace={self.inplace})")
