"""The examples run, and end where they say they end."""

import gzip
import re
import runpy
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from minicnn import data
from minicnn.data.registry import resized
from minicnn.models import Classifier

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_training_loop(capsys):
    runpy.run_path(EXAMPLES / "training_loop.py")["main"](epochs=6)
    assert float(re.search(r"test accuracy (.*)%", capsys.readouterr().out)[1]) > 90


def test_custom_operation(capsys):
    example = runpy.run_path(EXAMPLES / "custom_operation.py")
    example["check"]()
    example["train"](steps=30)
    printed = capsys.readouterr().out
    assert "the gradient is right: True\nand so is the gradient of the gradient: True\nthe mistake is found:" in printed
    assert float(re.search(r"loss (.*),", printed)[1]) < 1


# The case study


def write_idx(path, array):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), 1))


@pytest.fixture(scope="module")
def fashion_like(tmp_path_factory):
    """A folder with files named as Fashion-MNIST's, in which there are digits: so the test needs no download."""
    folder, digits = tmp_path_factory.mktemp("digits-as-fashion"), data.load("digits")
    images = resized(digits.train_images, (28, 28))[:, 0]
    for part, chosen in (("train", slice(None, -300)), ("t10k", slice(-300, None))):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images[chosen])
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", digits.train_labels[chosen])
    return folder


def test_case_study(fashion_like, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fashion_mnist.py", "--quick", "--output", str(tmp_path), "--data-dir", str(fashion_like)])
    runpy.run_path(EXAMPLES / "case_study" / "fashion_mnist.py")
    printed = capsys.readouterr().out
    assert "{'train': 1497, 'test': 300}" in printed and "1,347 to train on, 150 to decide by, 300 put away for the test" in printed
    assert float(re.search(r"test accuracy (\S*) \(", printed)[1]) > 0.4             # after one epoch
    assert len(re.findall("^passed ", printed, re.MULTILINE)) >= 9 and re.search(r"chosen: the (baseline|candidate)", printed)
    assert len(list((tmp_path / "pictures").glob("*.png"))) >= 9
    assert Classifier.load(tmp_path / "model.mcnn").classes[0] == "T-shirt/top" and (tmp_path / "report.html").stat().st_size < 5e6


def test_the_case_study_opens_as_a_notebook():
    """Cells begin with `# %%`; those of prose are comments throughout."""
    cells = re.split(r"^# %%", (EXAMPLES / "case_study" / "fashion_mnist.py").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert cells[0] == "" and len(cells) > 20
    for cell in cells[1:]:
        if cell.startswith(" [markdown]"):
            assert all(line.startswith("#") or not line for line in cell.splitlines()[1:]), cell
        else:
            assert cell.startswith("\n"), cell


def test_the_pictures_that_are_shown_are_there_and_small():
    story = (EXAMPLES / "case_study" / "README.md").read_text(encoding="utf-8")
    pictures = {EXAMPLES / "case_study" / name for name in re.findall(r"\((pictures/\S*\.png)\)", story)}
    assert pictures == set((EXAMPLES / "case_study" / "pictures").iterdir()) and all(path.stat().st_size < 150_000 for path in pictures)


def draw_face(masked, rng):
    """A face on a background of chance, with a mouth or a mask."""
    size, skin = 48, tuple(int(value) for value in rng.integers((150, 100, 70), (250, 200, 170)))
    image = Image.new("RGB", (size, size), tuple(map(int, rng.integers(0, 256, 3))))
    draw, (x, y) = ImageDraw.Draw(image), rng.integers(20, 29, 2).tolist()
    draw.ellipse((x - 16, y - 18, x + 16, y + 18), fill=skin)
    for eye in (x - 6, x + 6):
        draw.ellipse((eye - 2, y - 6, eye + 2, y - 2), fill="black")
    if masked:
        draw.rectangle((x - 13, y + 2, x + 13, y + 15), fill=tuple(map(int, rng.integers(150, 256, 3))))
    else:
        draw.arc((x - 7, y, x + 7, y + 10), 10, 170, fill=(150, 30, 40), width=2)
    return image


def draw_faces(folder, masked=200, unmasked=40):
    """Few images, of which one in six is of the class to be found."""
    rng = np.random.default_rng(0)
    for name, count in (("mask", masked), ("no_mask", unmasked)):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            draw_face(name == "mask", rng).save(folder / name / f"{i:03}.png")


def test_two_classes(tmp_path, capsys):
    draw_faces(tmp_path / "faces")
    found = runpy.run_path(EXAMPLES / "case_study" / "two_classes.py")["main"](tmp_path / "faces", 15, tmp_path / "roc.png")
    printed = capsys.readouterr().out
    assert found >= 0.75 and (tmp_path / "roc.png").stat().st_size > 5000          # the test has eight of them
    assert re.search(r"to be found +\d", printed) and float(re.search(r"of the test (\S*) \(", printed)[1]) > 0.9


def test_transfer(monkeypatch, capsys):
    """The line that the project must show, on real pictures and by trained weights, where both are installed."""
    monkeypatch.setattr(sys, "argv", ["transfer.py"])
    try:
        runpy.run_path(EXAMPLES / "transfer.py")
    except SystemExit as reason:
        pytest.skip(str(reason))
    two, three = map(float, re.findall(r"balanced accuracy (\S*),", capsys.readouterr().out))
    assert two >= 0.95 and three >= 0.90
