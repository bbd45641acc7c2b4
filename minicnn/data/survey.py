"""A folder of image files, a folder a class, as it is: every file is opened once, its size and mode noted, and what is broken named.

For statistics, not for training: the images come reduced to one common size.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from .duplicates import fitting

PARTS = ("train", "val", "valid", "validation", "test")
LARGEST = 64                    # pixels a side of the common size


class Survey(NamedTuple):
    """What lies in a folder. `parts` are as `statistics.describe` takes them."""

    parts: dict                 # {name: (images (N, C, H, W) uint8, labels (N,) int64)}
    classes: list
    paths: list                 # the file of each image, through all parts
    sizes: dict                 # "640x480": number of files, the most frequent first
    modes: dict                 # Pillow's modes: the same
    damaged: list               # (file, reason)


def survey(folder):
    """The Survey of a folder with a folder for each class, or with folders train, val and test that have one each.

    Raises DataError where there is no such folder, no class, or no image that can be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    parts = {name: folder / name for name in PARTS if (folder / name).is_dir()} or {"all": folder}
    classes = sorted({entry.name for part in parts.values() for entry in _visible(part) if entry.is_dir()})
    files = [(part, path, label) for part, at in parts.items() for label, name in enumerate(classes)
             for path in sorted((at / name).rglob("*")) if path.is_file() and not path.name.startswith(".")]
    if not files:
        raise DataError(f"{folder} has no files in folders: a folder for each class is needed, with its images in it")
    return _collect(folder, parts, classes, files)


def _visible(folder):
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _collect(folder, parts, classes, files):
    read, damaged, sizes, modes = [], [], Counter(), Counter()
    for part, path, label in files:
        try:
            image, size, mode = _read(path)
        except Exception as error:              # Pillow's decoders raise of all kinds
            damaged.append((str(path), _reason(error)))
            continue
        read.append((part, path, label, image))
        sizes[f"{size[0]}x{size[1]}"] += 1
        modes[mode] += 1
    if not read:
        raise DataError(f"none of the {len(files):,} files in {folder} can be read as an image; the first: {damaged[0][1]}")
    width, height = map(int, sizes.most_common(1)[0][0].split("x"))
    images = _same_size([entry[3] for entry in read], fitting((height, width), LARGEST))
    labels, of = np.array([entry[2] for entry in read], np.int64), np.array([entry[0] for entry in read])
    divided = {part: (images[of == part], labels[of == part]) for part in parts if (of == part).any()}
    return Survey(divided, classes, [str(entry[1]) for entry in read], dict(sizes.most_common()), dict(modes.most_common()), damaged)


def _reason(error):
    """What is wrong with a file, without its name."""
    unknown = type(error).__name__ == "UnidentifiedImageError"
    return "it is no image that Pillow knows" if unknown else getattr(error, "strerror", None) or str(error) or type(error).__name__


def _read(path):
    """(image, no larger than is needed here; its true size (width, height); its mode)"""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        mode = image.mode
        image.load()                            # a truncated file shows here
        image = ImageOps.exif_transpose(image)
        size = image.size
        image = _plain(image)
        image.thumbnail((4 * LARGEST, 4 * LARGEST))
        return image, size, mode


def _plain(image):
    """8 bits a channel, grey or RGB; transparent pixels on black."""
    from PIL import Image

    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        pixels = np.asarray(image, np.float64)
        return Image.fromarray(np.clip(pixels / (257 if pixels.max() > 255 else 1), 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    return image if image.mode == "L" else image.convert("L" if image.mode in ("1", "LA") else "RGB")


def _same_size(images, size):
    """(N, C, H, W) uint8, in colour if any image is."""
    mode = "RGB" if any(image.mode == "RGB" for image in images) else "L"
    arrays = [np.asarray(image.convert(mode).resize(size[::-1])) for image in images]
    stacked = np.stack(arrays)
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)) if mode == "RGB" else stacked[:, None]
