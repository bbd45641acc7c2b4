"""What is known of each data set that lies in files: its classes, its files, where they come from, under which licence."""

from typing import NamedTuple


class File(NamedTuple):
    """One file as it is published: length in bytes, SHA-256."""

    name: str
    size: int
    sha256: str


class Source(NamedTuple):
    """A data set of the MNIST family: four gzipped IDX files of images (28 x 28) and labels."""

    name: str               # as on the command line
    folder: str             # torchvision's folder name
    classes: tuple
    files: tuple            # of File: training images and labels, test images and labels
    mirrors: tuple          # addresses that a file's name is appended to
    system_folders: tuple   # where packages of the operating system put it
    package: str            # such a package, or ""
    licence: str
    origin: str

    @property
    def names(self):
        """Training images and labels, test images and labels."""
        return tuple(file.name for file in self.files)

    def pair(self, train):
        """The names of the image and the label file of the training or the test part."""
        return self.names[:2] if train else self.names[2:]


MNIST = Source(
    name="mnist",
    folder="MNIST",
    classes=("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight",
             "9 - nine"),
    files=(
        File("train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        File("train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        File("t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        File("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    system_folders=(),
    package="",
    licence="CC BY-SA 3.0",
    origin="MNIST handwritten digits, LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/",
)

FASHION_MNIST = Source(
    name="fashion-mnist",
    folder="FashionMNIST",
    classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    files=(
        File("train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        File("train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        File("t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        File("t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    system_folders=("/usr/share/datasets/fashion-mnist",),
    package="dataset-fashion-mnist",
    licence="MIT, copyright 2017 Zalando SE",
    origin="Fashion-MNIST, Xiao, Rasul and Vollgraf, https://github.com/zalandoresearch/fashion-mnist",
)
