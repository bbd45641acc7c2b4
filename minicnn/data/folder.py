"""Data sets in folders, a folder a class, with torchvision's interface: DatasetFolder for any files, ImageFolder for images.

Hidden files and folders (`.DS_Store`, `._photo.jpg`, `.ipynb_checkpoints`) are left out, and a link that leads back to a folder above it
is followed once.
"""

import os
import warnings

from ..errors import BadType, BadValue, DataError
from . import reading
from .dataset import Dataset


class NoFiles(DataError, FileNotFoundError):
    """A folder in which there is nothing to learn from."""


def class_folders(directory):
    """The names of the folders in a folder, but for hidden ones, in alphabetical order."""
    return sorted(entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith("."))


def find_classes(directory):
    """(names of the classes, {name: label}) of the folders in a folder, in alphabetical order. Raises NoFiles without any."""
    classes = class_folders(directory)
    if not classes:
        raise NoFiles(f"there is no class folder in {directory}: images must lie in one folder for each class")
    return classes, {name: label for label, name in enumerate(classes)}


def files_below(directory):
    """Paths of the files in a folder and in those below it, in alphabetical order, without hidden ones."""
    seen = {os.path.realpath(directory)}
    for place, folders, files in os.walk(directory, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not _was_seen(os.path.join(place, name), seen))
        yield from (os.path.join(place, name) for name in sorted(files) if not name.startswith("."))


def _was_seen(path, seen):
    real = os.path.realpath(path)
    known = real in seen
    seen.add(real)
    return known


def make_dataset(directory, class_to_idx=None, extensions=None, is_valid_file=None, allow_empty=False):
    """[(path, label), ...] of the files in class folders.

    extensions     endings of the files to take, with their dot, in any case; or
    is_valid_file  callable (path) -> whether to take the file
    allow_empty    True: classes may have no file

    Raises NoFiles that names the empty classes, BadValue for none or both of extensions and is_valid_file.
    """
    if (extensions is None) == (is_valid_file is None):
        raise BadValue("give either extensions or is_valid_file: they say which files are taken")
    class_to_idx = find_classes(directory)[1] if class_to_idx is None else class_to_idx
    if not class_to_idx:
        raise BadValue("class_to_idx must have at least one class")
    if extensions is not None:
        endings = tuple(ending.lower() for ending in ([extensions] if isinstance(extensions, str) else extensions))
        def is_valid_file(path): return path.lower().endswith(endings)
    samples = [(path, class_to_idx[name]) for name in sorted(class_to_idx) if os.path.isdir(os.path.join(directory, name))
               for path in files_below(os.path.join(directory, name)) if is_valid_file(path)]
    empty = set(class_to_idx.values()) - {label for _, label in samples}
    if empty and not allow_empty:
        names = sorted(name for name, label in class_to_idx.items() if label in empty)
        among = f" with one of the endings {', '.join(extensions)}" if extensions is not None and len(extensions) < 20 else ""
        raise NoFiles(f"there is no file{among} for the class{'es' * (len(names) > 1)} {', '.join(names)} in {directory}; "
                      f"put images there, or remove {'those folders' if len(names) > 1 else 'the folder'}")
    return samples


class DatasetFolder(Dataset):
    """Files in class folders: ROOT/class/.../file.

    root              the folder
    loader            callable (path) -> sample
    extensions        endings of the files to take, or
    is_valid_file     callable (path) -> whether to take the file
    transform         applied to each sample
    target_transform  applied to each label
    allow_empty       True: classes may have no file

    `classes` are the names, `class_to_idx` their labels, `samples` the (path, label) of each, `targets` the labels.
    """

    def __init__(self, root, loader, extensions=None, transform=None, target_transform=None, is_valid_file=None, allow_empty=False):
        self.root, self.loader, self.extensions = check_folder(root), loader, extensions
        self.transform, self.target_transform = transform, target_transform
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [label for _, label in self.samples]

    @staticmethod
    def make_dataset(directory, class_to_idx, extensions=None, is_valid_file=None, allow_empty=False):
        """As the function make_dataset; a subclass may find its samples otherwise."""
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def find_classes(self, directory):
        """As the function find_classes; a subclass may name its classes otherwise."""
        return find_classes(directory)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        sample = self.loader(path)
        sample = sample if self.transform is None else self.transform(sample)
        return sample, label if self.target_transform is None else self.target_transform(label)

    def __repr__(self):
        return f"{type(self).__name__}({len(self)} files, {len(self.classes)} classes, root={self.root!r})"


def check_folder(root):
    """The folder as a str, ~ replaced by the home folder. Raises BadType, NoFiles."""
    if not isinstance(root, str | os.PathLike):
        raise BadType(f"root must be a path, got {root!r}")
    root = os.path.expanduser(os.fspath(root))
    if not os.path.isdir(root):
        raise NoFiles(f"{root} is not a folder" if os.path.exists(root) else f"there is no folder {root}")
    return root


def default_loader(path):
    """The image in a file as RGB, as `reading.read_image` has it."""
    return reading.read_image(path)


class ImageFolder(DatasetFolder):
    """Images in class folders: ROOT/class/.../image, of any format that Pillow reads; samples are (image, label).

    Images are RGB and upright: palettes, grey, CMYK and 16 bits are converted, EXIF's orientation is heeded, and what is transparent
    is seen on white.

    loader    callable (path) -> image
    on_error  "raise": a broken file raises DataError with its name when it is read. "skip": all files are read once at the start,
              and broken ones left out, with a warning that names them; `skipped` has their paths

    Other arguments as DatasetFolder's.
    """

    def __init__(self, root, transform=None, target_transform=None, loader=default_loader, is_valid_file=None, allow_empty=False, *,
                 on_error="raise"):
        if on_error not in ("raise", "skip"):
            raise BadValue(f"on_error must be 'raise' or 'skip', got {on_error!r}")
        super().__init__(root, loader, reading.extensions() if is_valid_file is None else None, transform, target_transform,
                         is_valid_file, allow_empty)
        self.skipped = []
        if on_error == "skip":
            self._skip_broken(allow_empty)
        self.imgs = self.samples

    def broken(self):
        """[(path, what is wrong), ...] of the files that the loader cannot read: reads them all."""
        found = []
        for path, _ in self.samples:
            try:
                self.loader(path)
            except (DataError, OSError) as error:
                found.append((path, str(error)))
        return found

    def _skip_broken(self, allow_empty):
        reasons = dict(self.broken())
        self.skipped = list(reasons)
        self.samples = [sample for sample in self.samples if sample[0] not in reasons]
        self.targets = [label for _, label in self.samples]
        if reasons:
            warnings.warn(told(list(reasons.values())), UserWarning, stacklevel=3)
        check_no_class_is_empty(self.targets, self.classes, self.root, allow_empty)


def told(reasons):
    """One sentence on files that were left out."""
    return f"{len(reasons)} broken file{'s' * (len(reasons) > 1)} skipped: {'; '.join(reasons)}"


def check_no_class_is_empty(labels, classes, root, allow_empty=False):
    empty = [name for label, name in enumerate(classes) if label not in set(labels)]
    if empty and not allow_empty:
        raise NoFiles(f"no file of the class{'es' * (len(empty) > 1)} {', '.join(empty)} in {root} can be read")
