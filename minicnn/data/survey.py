"""A folder of image files, a folder a class, as it is: every file is opened once, its size and mode noted, and what is broken named.

For statistics, not for training: the images come reduced to one common size. They are read, and the parts of the folder found, as in
`folder_images`: what is looked at is what would be trained on.
"""

import os
from collections import Counter
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from .duplicates import fitting
from .folder import check_folder, class_folders, files_below
from .folder_images import AHEAD, find_parts
from .reading import as_mode, is_grey, opened

LARGEST = 64                    # pixels a side of the common size


class Survey(NamedTuple):
    """What lies in a folder. `parts` are as `statistics.describe` takes them."""

    parts: dict                 # {name: (images (N, C, H, W) uint8, labels (N,) int64)}
    classes: list
    paths: list                 # the file of each image, through all parts
    sizes: dict                 # "640x480": number of files, the most frequent first
    modes: dict                 # Pillow's modes: the same
    damaged: list               # (file, reason)


class Reduced(NamedTuple):
    """A file's image, no larger than is needed here, and what it was."""

    image: object               # of Pillow, mode L or RGB
    size: tuple                 # width, height
    mode: str


def survey(folder):
    """The Survey of a folder with a folder for each class, or with folders train, val and test that have one each.

    Raises DataError where there is no such folder, no class, or no image that can be read.
    """
    parts = find_parts(check_folder(folder))
    parts = {"all": parts["train"]} if len(parts) == 1 else parts       # not yet divided
    classes = sorted({name for place in parts.values() for name in class_folders(place)})
    files = [(part, path, label) for part, place in parts.items() for label, name in enumerate(classes)
             for path in files_below(os.path.join(place, name))]
    if not files:
        raise DataError(f"{folder} has no files in folders: a folder for each class is needed, with its images in it")
    return _collect(folder, parts, classes, files)


def _collect(folder, parts, classes, files):
    from .workers import prefetch

    found = list(zip(files, prefetch(_read, ((path,) for _, path, _ in files), os.cpu_count() or 1, AHEAD)))
    damaged = [(path, reason) for (_, path, _), reason in found if isinstance(reason, str)]
    read = [(part, path, label, reduced) for (part, path, label), reduced in found if isinstance(reduced, Reduced)]
    if not read:
        raise DataError(f"none of the {len(files):,} files in {folder} can be read as an image; the first: {damaged[0][1]}")
    sizes = Counter(reduced.size for *_, reduced in read).most_common()
    images = _same_size([reduced.image for *_, reduced in read], fitting(sizes[0][0][::-1], LARGEST))
    labels, of = np.array([label for _, _, label, _ in read], np.int64), np.array([part for part, *_ in read])
    divided = {part: (images[of == part], labels[of == part]) for part in parts if (of == part).any()}
    modes = Counter(reduced.mode for *_, reduced in read).most_common()
    named = {"{}x{}".format(*size): count for size, count in sizes}
    return Survey(divided, classes, [path for _, path, *_ in read], named, dict(modes), damaged)


def _read(job):
    """The Reduced of a file, or what is wrong with it, without its name."""
    (path,) = job
    try:
        return opened(path, _reduced, decode=True)
    except (DataError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return reason.removeprefix(f"{path} cannot be read as an image: ").removeprefix(f"{path} is refused: ")


def _reduced(image):
    from PIL import ImageOps

    mode, upright = image.mode, ImageOps.exif_transpose(image)
    plain = as_mode(upright, "L" if is_grey(image) else "RGB")
    plain.thumbnail((2 * LARGEST, 2 * LARGEST))
    return Reduced(plain, upright.size, mode)


def _same_size(images, size):
    """(N, C, H, W) uint8, in colour if any image is."""
    mode = "RGB" if any(image.mode == "RGB" for image in images) else "L"
    arrays = [np.asarray(image.convert(mode).resize(size[::-1])) for image in images]
    stacked = np.stack(arrays)
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)) if mode == "RGB" else stacked[:, None]
