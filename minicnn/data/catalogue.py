"""What is known of each data set that lies in files: its classes, its files, where they come from, under which licence."""

from typing import NamedTuple


class File(NamedTuple):
    """One file as it is published: length in bytes, SHA-256."""

    name: str
    size: int
    sha256: str


class Source(NamedTuple):
    """A data set that is published as files: of the MNIST family, four gzipped IDX files; of CIFAR, an archive of binary records."""

    name: str               # as on the command line
    folder: str             # torchvision's folder name
    classes: tuple
    files: tuple            # of File; of the MNIST family training images and labels, test images and labels
    mirrors: tuple          # addresses that a file's name is appended to
    system_folders: tuple   # where packages of the operating system put it
    package: str            # such a package, or ""
    licence: str
    origin: str
    members: tuple = ()     # of an archive: names of the training files and of the test files
    label_classes: tuple = ()       # how many labels there are for each label byte of a record

    @property
    def label_bytes(self):
        return len(self.label_classes)

    @property
    def names(self):
        """The names of the files."""
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

CIFAR10 = Source(
    name="cifar10",
    folder="cifar-10-batches-bin",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    files=(
        File("cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    ),
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
    system_folders=(),
    package="",
    licence="no licence stated",
    origin="CIFAR-10, Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
    members=(tuple(f"data_batch_{i}.bin" for i in range(1, 6)), ("test_batch.bin",)),
    label_classes=(10,),
)

CIFAR100 = CIFAR10._replace(
    name="cifar100",
    folder="cifar-100-binary",
    classes=tuple("""
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar
        cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl
        hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
        oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road
        rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank
        telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm""".split()),
    files=(
        File("cifar-100-binary.tar.gz", 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
    ),
    origin="CIFAR-100, Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
    members=(("train.bin",), ("test.bin",)),
    label_classes=(20, 100),
)
