"""What can be done to an image before it enters a batch, with torchvision's names: conversion and normalization."""

import numpy as np

from ..errors import BadType, BadValue, ShapeError
from ..tensor import Tensor, wrap


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self):
        return "\n".join(["Compose(", *(f"    {transform}" for transform in self.transforms), ")"])


class Lambda:
    """Any function as a transform. Raises BadType for what cannot be called."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise BadType(f"Lambda takes a function, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, image):
        return self.lambd(image)

    def __repr__(self):
        return "Lambda()"


class ToTensor:
    """A tensor (C, H, W) from a Pillow image or an array (H, W) or (H, W, C).

    Bytes 0..255 become float32 in 0..1; other numbers keep their value and dtype. Raises BadType, ShapeError.
    """

    def __call__(self, image):
        if hasattr(image, "getbands"):
            image = np.asarray(image.convert("L") if image.mode == "1" else image)
        if not isinstance(image, np.ndarray):
            raise BadType(f"ToTensor takes a Pillow image or an array, got {type(image).__name__}")
        if image.ndim not in (2, 3):
            raise ShapeError(f"ToTensor takes an image (H, W) or (H, W, C), got shape {image.shape}")
        pixels = np.ascontiguousarray(image.reshape(*image.shape[:2], -1).transpose(2, 0, 1))
        return wrap(pixels.astype(np.float32) / np.float32(255) if image.dtype == np.uint8 else pixels)

    def __repr__(self):
        return "ToTensor()"


class Normalize:
    """(x − mean) / std, channel by channel, of a floating point tensor (..., C, H, W). Raises BadType, BadValue, ShapeError."""

    def __init__(self, mean, std, inplace=False):
        self.mean, self.std, self.inplace = mean, std, inplace
        for name, values in (("mean", mean), ("std", std)):
            if np.asarray(values).dtype.kind not in "iuf" or not np.isfinite(values).all():
                raise BadValue(f"{name} must be finite numbers, one per channel, got {values!r}")
        if not np.all(np.asarray(std)):
            raise BadValue(f"std must not be 0, got {std}")

    def __call__(self, image):
        if not isinstance(image, Tensor) or not image.is_floating_point():
            raise BadType(f"Normalize takes a floating point tensor, got {getattr(image, 'dtype', type(image).__name__)}")
        if image.ndim < 3:
            raise ShapeError(f"Normalize takes a tensor (..., C, H, W), got shape {tuple(image.shape)}")
        mean, std = (np.asarray(v, dtype=image.dtype).reshape(-1, 1, 1) for v in (self.mean, self.std))
        if len(mean) not in (1, image.shape[-3]) or len(std) not in (1, image.shape[-3]):
            raise ShapeError(f"mean and std need one number per channel ({image.shape[-3]}), got {len(mean)} and {len(std)}")
        result = (image.array - mean) / std
        return image.copy_(wrap(result)) if self.inplace else wrap(result)

    def __repr__(self):
        return f"Normalize(mean={self.mean}, std={self.std})"
