"""A folder of images as arrays of one size, to train on: each file is decoded once, by threads, when the data set is loaded.

    FOLDER/class/image                    one pool, to be divided by class
    FOLDER/train/class/image, and test    parts as they lie; val (or valid, validation) too, else some of train is held out
"""

import os
from typing import NamedTuple

import numpy as np

from ..errors import BadValue, DataError
from .folder import NoFiles, check_folder, find_classes, make_dataset, told
from .reading import extensions, read_image, size_and_mode
from .transforms import functional as F

PARTS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"), "test": ("test",)}
USUAL_SIDE, LARGEST_SIDE = 64, 128      # pixels, where no size is asked for: images of one size up to LARGEST_SIDE keep it
AHEAD = 64                              # files that are being decoded or wait to be taken


class FolderPart(NamedTuple):
    """Images (N, C, H, W) uint8, labels (N,) int64 and the files they come from, by their path below the folder."""

    images: np.ndarray
    labels: np.ndarray
    files: tuple


def load_folder(root, image_size=None, channels=None, on_error="raise", progress=None):
    """(classes, {"train": FolderPart, ...}, remarks) of a folder of images.

    image_size  side, or (height, width): the shorter side is resized to it, the middle cut out; None: the images' own size, where it
                is the same for all and not above 128, else 64
    channels    1 or 3; None: 1 where all files are grey
    on_error    "raise": a broken file is refused by name; "skip": it is left out, which the remarks say
    progress    called as progress(root, files read, files in all, "images")

    Raises NoFiles, DataError.
    """
    root = check_folder(root)
    places = find_parts(root)
    classes, labels = find_classes(places["train"])
    samples = {name: samples_of(name, place, labels) for name, place in places.items()}
    kept, remarks = headers([path for part in samples.values() for path, _ in part], on_error)
    sizes, modes = {kind[0] for kind in kept.values()}, {kind[1] for kind in kept.values()}
    target = target_size(image_size, sizes)
    channels = channels or (1 if modes == {"L"} else 3)
    pixels, broken = decode(list(kept), target, channels, on_error, root, progress)
    parts = {name: gather(part, pixels, root) for name, part in samples.items()}
    check_classes(parts["train"], classes, places["train"])
    return tuple(classes), parts, tuple(remarks) + tuple(broken)


def find_parts(root):
    """{"train": folder, ...}: the folder itself, where it has no parts."""
    found = {name: os.path.join(root, spelling) for name, spellings in PARTS.items() for spelling in spellings
             if os.path.isdir(os.path.join(root, spelling))}
    if "train" in found and (len(found) > 1 or len(find_classes(root)[0]) == 1):       # nobody has a single class, and calls it "train"
        return found
    return {"train": root}


def samples_of(name, place, labels):
    """[(path, label), ...] of one part. A class that the training has not is refused; one of which it has nothing, too."""
    others = set(find_classes(place)[0]) - set(labels)
    if others:
        raise DataError(f"{place} has the classes {', '.join(sorted(others))}, of which there is nothing to train on")
    return make_dataset(place, labels, extensions(), allow_empty=name != "train")


def headers(paths, on_error):
    """({path: (size, mode)}, remarks) by the files' headers: quick, and enough to know how large and how colourful they are."""
    kept, reasons = {}, []
    for path in paths:
        try:
            kept[path] = size_and_mode(path)
        except (DataError, OSError) as error:
            if on_error == "raise":
                raise with_mend(error) from None
            reasons.append(str(error))
    if not kept:
        raise NoFiles("none of the files can be read as an image" + (f": {reasons[0]}" if reasons else ""))
    return kept, [told(reasons)] if reasons else []


def with_mend(error):
    """The error, which says how to do without a file whose contents are no good."""
    return DataError(f"{error}; to leave such files out: --broken skip, or on_error='skip'") if isinstance(error, DataError) else error


def target_size(image_size, sizes):
    """(height, width)"""
    if image_size is not None:
        size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
        if len(size) != 2 or min(size) < 1:
            raise BadValue(f"image_size must be one or two numbers of at least 1, got {image_size!r}")
        return size
    own = next(iter(sizes))
    return own if len(sizes) == 1 and max(own) <= LARGEST_SIDE else (USUAL_SIDE, USUAL_SIDE)


def fitted(image, size):
    """The Pillow image so resized that it covers (height, width), and its middle."""
    return F.center_crop(F.resize(image, covering((image.height, image.width), size)), size)


def covering(own, size):
    """[height, width] in proportion of `own` that is nowhere smaller than `size`, and not larger than need be."""
    scale = max(m / n for n, m in zip(own, size))
    return [max(round(n * scale), m) for n, m in zip(own, size)]


def decode(paths, size, channels, on_error, root, progress):
    """({path: (C, H, W) uint8}, remarks), by as many threads as there are cores: Pillow releases Python's lock."""
    from .workers import prefetch

    def read(path):
        try:
            pixels = np.asarray(fitted(read_image(path, "L" if channels == 1 else "RGB"), size))
            return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
        except (DataError, OSError) as error:
            return error

    images, reasons, done = {}, [], 0
    for path, found in zip(paths, prefetch(lambda job: read(*job), ((path,) for path in paths), os.cpu_count() or 1, AHEAD)):
        done += 1
        if isinstance(found, np.ndarray):
            images[path] = found
        elif on_error == "raise":
            raise with_mend(found)
        else:
            reasons.append(str(found))
        if progress is not None:
            progress(root, done, len(paths), "images")
    return images, [told(reasons)] if reasons else []


def gather(samples, pixels, root):
    kept = [(path, label) for path, label in samples if path in pixels]
    if not kept:
        raise NoFiles(f"a part of {root} has no image that can be read")
    files = tuple(os.path.relpath(path, root).replace(os.sep, "/") for path, _ in kept)
    return FolderPart(np.stack([pixels[path] for path, _ in kept]), np.array([label for _, label in kept], np.int64), files)


def check_classes(part, classes, place):
    counts = np.bincount(part.labels, minlength=len(classes))
    if not counts.all():
        raise NoFiles(f"no image of the class {classes[int(counts.argmin())]} in {place} can be read")
    if len(classes) == 1:
        raise DataError(f"{place} has images of one class only, {classes[0]}: there is nothing to tell apart")
