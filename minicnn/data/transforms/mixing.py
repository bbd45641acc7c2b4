"""MixUp and CutMix: batches whose images, and labels, are mixtures of two.

They are called with a batch, so they stand in the loop or in the DataLoader: `collate_fn=lambda b: mixup(*default_collate(b))`.
Each image is mixed with the one before it in the batch, the first with the last. Cross-entropy takes the labels as they come out.
"""

import math
from numbers import Number

import numpy as np

from ...errors import BadType, BadValue, ShapeError
from ...tensor import Tensor, wrap
from .transform import stream


class Mixing:
    """Base: checks, the share of the first image, and the labels' mixture."""

    def __init__(self, *, alpha=1.0, num_classes=None, labels_getter="default"):
        if not isinstance(alpha, Number) or not alpha > 0:
            raise BadValue(f"alpha must be a number above 0, got {alpha!r}")
        if num_classes is not None and (not isinstance(num_classes, int) or num_classes < 1):
            raise BadValue(f"num_classes must be an integer of at least 1, got {num_classes!r}")
        self.alpha, self.num_classes, self.labels_getter = float(alpha), num_classes, labels_getter

    def __call__(self, *inputs):
        """(images (B, C, H, W), labels (B,) or (B, K)) -> (images, labels (B, K)); one argument may hold both."""
        images, labels = inputs if len(inputs) == 2 else self._both(*inputs)
        if not isinstance(images, Tensor) or not isinstance(labels, Tensor):
            raise BadType(f"a batch must be two tensors, got {type(images).__name__} and {type(labels).__name__}")
        if images.ndim != 4 or images.shape[0] != labels.shape[0]:
            raise ShapeError(f"a batch must be images (B, C, H, W) with labels (B, ...), got {tuple(images.shape)} and "
                             f"{tuple(labels.shape)}")
        share = float(stream().beta(self.alpha, self.alpha))
        mixed, share = self.mix(images.array, share)
        return wrap(mixed), wrap(weighted(self._one_hot(labels.array), share))

    def _both(self, *batch):
        if len(batch) != 1 or not isinstance(batch[0], (tuple, list)) or len(batch[0]) < 2:
            raise BadType("a batch is expected: images and labels")
        labels = self.labels_getter(batch[0]) if callable(self.labels_getter) else batch[0][1]
        return batch[0][0], labels

    def _one_hot(self, labels):
        """(B, K) float32; labels that are that already stay."""
        if labels.ndim == 2:
            return labels
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ShapeError(f"labels must be integers (B,) or probabilities (B, K), got {labels.dtype} of shape {labels.shape}")
        if self.num_classes is None:
            raise BadValue("num_classes must be given when labels are class numbers")
        if len(labels) and not 0 <= labels.min() <= labels.max() < self.num_classes:
            raise BadValue(f"labels must be between 0 and {self.num_classes - 1}, got {labels.min()} to {labels.max()}")
        return np.eye(self.num_classes, dtype=np.float32)[labels]

    def mix(self, images, share):
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}(alpha={self.alpha}, num_classes={self.num_classes})"


def weighted(x, share):
    """share·x[i] + (1 − share)·x[i − 1]"""
    return (share * x + (1 - share) * np.roll(x, 1, 0)).astype(x.dtype, copy=False)


class MixUp(Mixing):
    """Images x and labels y become λ·x[i] + (1 − λ)·x[i − 1], with λ from Beta(α, α), one for the batch (Zhang et al., 2018)."""

    def mix(self, images, share):
        if images.dtype.kind != "f":
            raise BadType(f"MixUp takes floating point images, got {images.dtype}")
        return weighted(images, share), share


class CutMix(Mixing):
    """A rectangle of each image comes from the one before it, labels in proportion to the areas (Yun et al., 2019).

    Its sides are √(1 − λ) of the image's, λ from Beta(α, α), its centre anywhere; what lies outside of the image is cut off.
    """

    def mix(self, images, share):
        height, width = images.shape[-2:]
        side = 0.5 * math.sqrt(1 - share)
        (top, bottom), (left, right) = (self._interval(n, side) for n in (height, width))
        mixed = images.copy()
        mixed[..., top:bottom, left:right] = np.roll(images, 1, 0)[..., top:bottom, left:right]
        return mixed, 1 - (bottom - top) * (right - left) / (height * width)

    @staticmethod
    def _interval(length, side):
        middle, half = int(stream().integers(length)), int(side * length)
        return max(middle - half, 0), min(middle + half, length)
