"""The augmentations that a training can be asked for by name: what each does to a training image, or to a batch, in every epoch anew."""

import numpy as np

from .. import arrays
from ..data import seeding
from ..data import transforms as T
from ..errors import BadValue

BILINEAR = T.InterpolationMode.BILINEAR

# name: (how to make it for images of a size (height, width), what it does). In this order they are applied.
PILLOW = {
    "flip": (lambda size: T.RandomHorizontalFlip(), "left and right exchanged, one time in two"),
    "vflip": (lambda size: T.RandomVerticalFlip(), "top and bottom exchanged, one time in two"),
    "crop": (lambda size: T.RandomResizedCrop(size, scale=(0.5, 1.0)), "a part of 50 to 100 % of the area, scaled to the whole"),
    "rotate": (lambda size: T.RandomRotation(15, BILINEAR), "turned by up to 15 degrees"),
    "affine": (lambda size: T.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), interpolation=BILINEAR), "turned, moved and scaled a little"),
    "color": (lambda size: T.ColorJitter(0.3, 0.3, 0.3, 0.03), "brightness, contrast, saturation and hue changed"),
}
ARRAYS = {"erase": (lambda size: T.RandomErasing(), "a rectangle blackened, one time in two")}
MIXING = {
    "mixup": (lambda classes: T.MixUp(alpha=0.2, num_classes=classes), "each image mixed with another"),
    "cutmix": (lambda classes: T.CutMix(num_classes=classes), "a rectangle of each image from another"),
}
AUGMENTATIONS = {**PILLOW, **ARRAYS, **MIXING}


def names_of(text):
    """["flip", ...] of "flip,..." in the order of the table. Raises BadValue for names that are not known."""
    if not isinstance(text, str):
        raise BadValue(f"augment must be names with commas between them, got {text!r}")
    given = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in given if name not in AUGMENTATIONS]
    if unknown:
        raise BadValue(f"unknown augmentation {unknown[0]!r}; there are {', '.join(AUGMENTATIONS)}")
    if len(set(given) & set(MIXING)) > 1:
        raise BadValue("mixup and cutmix exclude each other: both mix the whole batch")
    return [name for name in AUGMENTATIONS if name in given]


def draws_singly(text):
    """Whether there is an augmentation that goes through the images one by one, which threads then do ahead of time."""
    return any(name not in MIXING for name in names_of(text))


class Augmentation:
    """Images (N, C, H, W) uint8 as they are in one epoch: shifted by up to so many pixels, then transformed one by one.

    What happens to an image depends on its seed alone.
    """

    def __init__(self, text, shift, size):
        self.shift, names = shift, names_of(text)
        self.of_pillow, self.of_array = (
            T.Compose([table[name][0](size) for name in names if name in table]) for table in (PILLOW, ARRAYS))

    def __call__(self, images, seeds):
        images = shifted(images, self.shift, seeds) if self.shift else images
        if not self.of_pillow.transforms and not self.of_array.transforms:
            return images
        rows = [self.one(image, int(seed)) for image, seed in zip(images, seeds)]
        return np.stack(rows).transpose(0, 3, 1, 2)                     # the CPU's kernels like channels last in memory

    def one(self, image, seed):
        """(H, W, C) of (C, H, W)."""
        with arrays.seeded(seed):
            if self.of_pillow.transforms:
                image = as_planes(self.of_pillow(as_pillow(image)))
            return self.of_array(image).transpose(1, 2, 0)

    def __repr__(self):
        return "\n".join([f"shift by up to {self.shift}", *map(str, self.of_pillow.transforms + self.of_array.transforms)])


def as_pillow(image):
    from PIL import Image

    return Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))


def as_planes(image):
    """(C, H, W)"""
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def mixing(text, classes):
    """MixUp or CutMix, or None."""
    return next((MIXING[name][0](classes) for name in names_of(text) if name in MIXING), None)


def shifted(images, pixels, seeds):
    """Each image (N, C, H, W) moved by -pixels...pixels down and to the right, as its seed says; zeros move in."""
    images = images.transpose(0, 2, 3, 1)                               # pixels of all channels are moved at once
    _, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    top, left = ((seeding.uniform(seeds, draw) * (2 * pixels + 1)).astype(np.int64) for draw in range(2))
    moved = np.empty(images.shape, images.dtype)
    for n, (y, x) in enumerate(zip(top, left)):
        moved[n] = padded[n, y : y + height, x : x + width]
    return moved.transpose(0, 3, 1, 2)
