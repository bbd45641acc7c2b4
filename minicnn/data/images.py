"""Data sets of small images, above all of grey ones: the embedded Digits, MNIST and Fashion-MNIST, with torchvision's interface.

Samples are (image, label), the image a Pillow image of mode "L" that `transform` turns into something else. To train, the
whole data set at once is quicker: `TensorDataset(*dataset.tensors())`.
"""

from pathlib import Path

import numpy as np

from .. import arrays
from ..errors import BadIndex, DataError
from ..tensor import wrap
from . import catalogue
from .dataset import Dataset
from .idx import read_images, read_labels
from .locate import locate
from .splits import stratified_split


class ImageDataset(Dataset):
    """Images and their labels in memory.

    data     tensor (N, H, W) uint8, 0 black to 255 white; of CIFAR, as of torchvision's, an array (N, H, W, 3)
    targets  tensor (N,) int64; of CIFAR, a list
    classes  names of the classes, by label
    """

    def __init__(self, images, labels, classes, transform=None, target_transform=None):
        self.data, self.targets, self.classes = wrap(images), wrap(labels), list(classes)
        self.transform, self.target_transform = transform, target_transform

    @property
    def class_to_idx(self):
        return {name: label for label, name in enumerate(self.classes)}

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        from PIL import Image

        if not -len(self) <= index < len(self):
            raise BadIndex(f"index {index} is out of range for {len(self)} samples")
        pixels, label = (getattr(values, "array", values)[index] for values in (self.data, self.targets))
        image, label = Image.fromarray(pixels), int(label)
        image = image if self.transform is None else self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def tensors(self):
        """(images (N, 1, H, W) float32 in 0..1, labels (N,) int64) of the whole data set; transforms are not applied."""
        return wrap(to_float(self.data.array[:, None])), self.targets

    def __repr__(self):
        height, width = self.data.shape[1:3]
        return f"{type(self).__name__}({len(self)} images of {height} x {width}, {len(self.classes)} classes)"


def to_float(images):
    """float32 in 0..1 from uint8 in 0..255."""
    return images.astype(np.float32) / np.float32(255)


class Digits(ImageDataset):
    """1,797 handwritten digits of 8 x 8 pixels, embedded in the package (Alpaydin and Kaynak, UCI, 1998; CC BY 4.0).

    train  None: all of them; True, False: four fifths to train on and one fifth to test with, the same in every run.

    `root` and `download` are accepted, so that Digits can stand where MNIST stood, and have no effect. The file's grey
    levels 0..16 are spread over 0..255, as in other data sets.
    """

    licence = "CC BY 4.0"
    origin = "Optical Recognition of Handwritten Digits, Alpaydin and Kaynak, UCI, 1998"

    def __init__(self, root=None, train=None, transform=None, target_transform=None, download=False):
        images, labels = _embedded_digits()
        if train is not None:
            chosen = stratified_split(labels, (0.8, 0.2), arrays.Generator().manual_seed(0))[0 if train else 1]
            images, labels = images[chosen], labels[chosen]
        super().__init__(images, labels, map(str, range(10)), transform, target_transform)
        self.train = train


def _embedded_digits():
    with np.load(Path(__file__).with_name("digits.npz")) as file:
        images, labels = file["images"], file["labels"]
    return np.rint(images * (255 / 16)).astype(np.uint8), labels.astype(np.int64)


class Published(ImageDataset):
    """Base of data sets that the catalogue describes by their `source`."""

    @property
    def licence(self):
        return self.source.licence

    @property
    def origin(self):
        return self.source.origin


class MNIST(Published):
    """Handwritten digits, 28 x 28: 60,000 to train on and 10,000 to test with.

    root              folder of the IDX files (plain or .gz), or torchvision's root; None: the system's folder or the cache
    train             the training part, or the test part
    transform         applied to each image
    target_transform  applied to each label
    download          get the files if they are not there

    Raises DataError for files that are absent, damaged, or do not belong together.
    """

    source = catalogue.MNIST

    def __init__(self, root=None, train=True, transform=None, target_transform=None, download=False):
        names = self.source.pair(train)
        images, labels = read_pair(locate(self.source, names, root, download), names, self.source.classes)
        super().__init__(images, labels, self.source.classes, transform, target_transform)
        self.root, self.train = root, train


class FashionMNIST(MNIST):
    """Articles of clothing in MNIST's format (Xiao, Rasul and Vollgraf, 2017); arguments as MNIST."""

    source = catalogue.FASHION_MNIST


def read_pair(paths, names, classes):
    """Images (N, 28, 28) uint8 and labels (N,) int64 from located files. Raises DataError."""
    image_path, label_path = (paths[name] for name in names)
    images, labels = read_images(image_path, 28, 28), read_labels(label_path, len(classes))
    if len(images) != len(labels):
        raise DataError(f"{image_path} has {len(images)} images, but {label_path} has {len(labels)} labels")
    return images, labels
