"""ImageFolder and the folder as a data set: all kinds of image files, broken ones, empty ones, links, names."""

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minicnn import data, errors
from minicnn.data import DatasetFolder, ImageFolder, folder_images, reading, transforms
from minicnn.train.data_report import look_at


def noise(height=6, width=8, channels=3):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(height * width).integers(0, 256, shape, dtype=np.uint8)


def put(path, pixels=None, **options):
    """An image file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(noise() if pixels is None else pixels)
    image.save(path, **options)
    return path


@pytest.fixture
def two(tmp_path):
    """Two classes, ten images each, of one size."""
    for name in ("cat", "dog"):
        for i in range(10):
            put(tmp_path / name / f"{i}.png", noise(6 + (name == "dog"), 8)[:6])
    return tmp_path


# torchvision's interface

def test_classes_and_samples_are_in_alphabetical_order(tmp_path):
    for name in ("b/2.png", "b/10.PNG", "a/deep/er/x.jpg", "a/z.bmp", "Ä/Füße 写真.webp", "C/c.gif"):
        put(tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    folder = ImageFolder(tmp_path)
    assert folder.classes == ["C", "a", "b", "Ä"] and folder.class_to_idx == {"C": 0, "a": 1, "b": 2, "Ä": 3}
    names = [os.path.relpath(path, tmp_path) for path, _ in folder.samples]
    assert names == ["C/c.gif", "a/z.bmp", "a/deep/er/x.jpg", "b/10.PNG", "b/2.png", "Ä/Füße 写真.webp"]
    assert folder.targets == [0, 1, 1, 2, 2, 3] and folder.imgs is folder.samples and len(folder) == 6
    assert [label for _, label in folder] == folder.targets
    assert "6 files, 4 classes" in repr(folder)


def test_transforms_and_own_loaders(two):
    folder = ImageFolder(two, transforms.ToTensor(), lambda label: -label)
    image, label = folder[-1]
    assert image.shape == (3, 6, 8) and label == -1
    assert ImageFolder(str(two), loader=os.path.basename)[0] == ("0.png", 0)
    assert len(ImageFolder(two, is_valid_file=lambda path: path.endswith("3.png"))) == 2
    texts = DatasetFolder(two, len, extensions=(".PNG",))
    assert len(texts) == 20 and texts[0][0] == len(str(two / "cat" / "0.png"))
    batch, labels = next(iter(data.DataLoader(folder, 4, num_workers=2)))
    assert batch.shape == (4, 3, 6, 8) and labels.tolist() == [0, 0, 0, 0]


def test_hidden_things_are_left_out(two):
    put(two / "cat" / ".hidden.png")
    (two / "cat" / "._0.png").write_bytes(b"a resource fork, no image")
    put(two / "cat" / ".thumbnails" / "x.png")
    put(two / ".ipynb_checkpoints" / "x.png")
    assert len(ImageFolder(two)) == 20 and ImageFolder(two).classes == ["cat", "dog"]


def test_links_are_followed_once(two, tmp_path_factory):
    elsewhere = put(tmp_path_factory.mktemp("elsewhere") / "more" / "x.png").parent
    os.symlink(elsewhere, two / "dog" / "linked")
    os.symlink(two / "dog", two / "dog" / "loop")
    os.symlink(two, two / "dog" / "up")
    folder = ImageFolder(two)
    assert sum("linked" in path for path, _ in folder.samples) == 1 and folder.targets.count(0) == 10
    assert folder.targets.count(1) == 11 + 10, "of what lies above there is one copy, no endless loop"


def test_empty_classes_are_named(two):
    (two / "bird").mkdir()
    (two / "bird" / "readme.txt").write_text("")
    (two / "fish").mkdir()
    with pytest.raises(FileNotFoundError, match="no file for the classes bird, fish"):
        ImageFolder(two)
    assert len(ImageFolder(two, allow_empty=True)) == 20
    with pytest.raises(errors.DataError, match="one of the endings .tif for the classes bird, cat, dog, fish"):
        DatasetFolder(two, len, extensions=(".tif",))


def test_folders_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no class folder"):
        ImageFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        ImageFolder(tmp_path / "absent")
    put(tmp_path / "x.png")
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        ImageFolder(tmp_path / "x.png")
    with pytest.raises(TypeError):
        ImageFolder(3)
    with pytest.raises(ValueError, match="either extensions or is_valid_file"):
        DatasetFolder(put(tmp_path / "a" / "x.png").parents[1], len)


# Kinds of images

def loaded(path, mode="RGB"):
    return np.asarray(reading.read_image(path, mode))


def test_palettes_greys_and_cmyk(tmp_path):
    red = np.zeros((4, 4, 3), np.uint8) + np.uint8([255, 0, 0])
    assert (loaded(put(tmp_path / "p.png", Image.fromarray(red).convert("P"))) == red).all()
    assert np.abs(loaded(put(tmp_path / "c.tif", Image.fromarray(red).convert("CMYK"))).astype(int) - red).max() < 3
    grey = noise(channels=1)
    assert (loaded(put(tmp_path / "l.png", grey)) == grey[..., None]).all() and (loaded(tmp_path / "l.png", "L") == grey).all()
    assert (loaded(put(tmp_path / "b.png", Image.fromarray(grey).convert("1")), "L") % 255 == 0).all()
    assert loaded(put(tmp_path / "h.tif", Image.fromarray(noise()).convert("LAB"))).shape == (6, 8, 3)


def test_sixteen_bits_and_floats(tmp_path):
    deep = np.array([[0, 257 * 100, 65535]], np.uint16)
    assert loaded(put(tmp_path / "d.png", deep), "L").tolist() == [[0, 100, 255]]
    assert loaded(put(tmp_path / "f.tif", np.array([[0, 0.2, 1]], np.float32)), "L").tolist() == [[0, 51, 255]]


def test_what_is_transparent_is_white(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 0], pixels[0, :, 3] = 200, (255, 0, 51)
    assert loaded(put(tmp_path / "a.png", pixels)).tolist() == [[[200, 0, 0], [255, 255, 255], [244, 204, 204]]]
    palette = Image.fromarray(np.uint8([[0, 1]]), "P") if False else Image.new("P", (2, 1))
    palette.putpalette([9, 9, 9, 50, 60, 70])
    palette.putpixel((1, 0), 1)
    assert loaded(put(tmp_path / "t.png", palette, transparency=0)).tolist() == [[[255, 255, 255], [50, 60, 70]]]
    assert loaded(put(tmp_path / "la.png", Image.new("LA", (1, 1), (0, 0))), "L").tolist() == [[255]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright(tmp_path, orientation):
    """By EXIF's definition: what the file's row and column 0 stand for."""
    upright = noise(4, 6)
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
              6: np.rot90(upright, 1), 7: upright.transpose(1, 0, 2)[::-1, ::-1], 8: np.rot90(upright, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = put(tmp_path / "x.png", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(loaded(path), upright)
    assert reading.size_and_mode(path) == ((4, 6), "RGB")


def test_of_several_pictures_the_first(tmp_path):
    frames = [Image.new("L", (3, 3), grey) for grey in (10, 200)]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert (loaded(tmp_path / "x.gif", "L") == 10).all()


# Files that are no good

def bomb(path, side=40_000):
    """A PNG of a few hundred bytes that says it has 1.6 thousand million pixels."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("side", [40_000, 12_000])      # beyond twice Pillow's limit, where Pillow refuses, and once, where it warns
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, side):
    path = bomb(tmp_path / "x.png", side)
    for read in (reading.read_image, reading.size_and_mode):
        with pytest.raises(errors.DataError, match=f"{path} is refused: .*pixels"):
            read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                 # as it is outside of these tests: a warning alone stops nothing
        with pytest.raises(errors.DataError, match=" is refused: .*decompression bomb"):
            reading.read_image(path)


def damage(folder):
    """Three broken files among good ones."""
    content = (folder / "cat" / "0.png").read_bytes()
    (folder / "cat" / "1.png").write_bytes(content[: len(content) // 2])
    (folder / "dog" / "2.png").write_bytes(b"not an image at all")
    (folder / "dog" / "3.png").write_bytes(b"")
    return ["1.png", "2.png", "3.png"]


def test_broken_files_are_refused_by_name(two):
    damage(two)
    folder = ImageFolder(two)
    for index, name in ((1, "cat/1.png"), (12, "dog/2.png"), (13, "dog/3.png")):
        with pytest.raises(errors.DataError, match=f"{name} cannot be read as an image"):
            folder[index]
    assert [os.path.basename(path) for path, _ in folder.broken()] == ["1.png", "2.png", "3.png"]
    with pytest.raises(errors.DataError, match="1.png cannot be read"):
        list(data.DataLoader(folder, 4, num_workers=2, collate_fn=list))


def test_broken_files_are_skipped_with_a_warning_that_lists_them(two):
    names = damage(two)
    with pytest.warns(UserWarning, match="3 broken files skipped.*1.png.*2.png.*3.png"):
        folder = ImageFolder(two, on_error="skip")
    assert len(folder) == len(folder.targets) == 17 and len(list(folder)) == 17
    assert [os.path.basename(path) for path in folder.skipped] == names
    with pytest.raises(ValueError, match="'raise' or 'skip'"):
        ImageFolder(two, on_error="ignore")


def test_a_class_of_which_nothing_is_left_is_refused(two):
    for path in (two / "dog").iterdir():
        path.write_bytes(b"broken")
    with pytest.warns(UserWarning), pytest.raises(errors.DataError, match="no file of the class dog"):
        ImageFolder(two, on_error="skip")
    with pytest.raises(errors.DataError, match="no image of the class dog in .* can be read"):
        data.load("folder", two, on_error="skip")


# The folder as a data set

def test_a_folder_by_name(two):
    found = data.load("folder", two)
    assert found.classes == ("cat", "dog") and found.train_images.shape == (20, 3, 6, 8) and found.test_images is None
    np.testing.assert_array_equal(found.train_images[0].transpose(1, 2, 0), noise(6, 8))
    assert found.train_labels.tolist() == [0] * 10 + [1] * 10
    assert found.files["train"][:2] == ("cat/0.png", "cat/1.png") and found.remarks == ()
    with pytest.raises(errors.DataError, match="needs the folder"):
        data.load("folder")


def test_parts_as_they_lie(two, tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    for part, names in (("train", ("a", "b", "c")), ("valid", ("a", "b", "c")), ("test", ("a", "b"))):
        for name in names:
            put(root / part / name / "x.png")
    found = data.load("folder", root)
    assert found.classes == ("a", "b", "c")
    assert (len(found.train_labels), len(found.validation_labels), found.test_labels.tolist()) == (3, 3, [0, 1])
    assert found.files["test"] == ("test/a/x.png", "test/b/x.png")
    put(root / "test" / "d" / "x.png")
    with pytest.raises(errors.DataError, match="test has the classes d, of which there is nothing to train on"):
        data.load("folder", root)


def test_grey_folders_have_one_channel(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        put(tmp_path / name, noise(channels=1))
    assert data.load("folder", tmp_path).train_images.shape == (3, 1, 6, 8)
    assert data.load("folder", tmp_path, channels=3).train_images.shape == (3, 3, 6, 8)
    put(tmp_path / "b" / "4.png")
    assert data.load("folder", tmp_path).train_images.shape == (4, 3, 6, 8)


def test_sizes_that_differ(tmp_path):
    put(tmp_path / "a" / "1.png", noise(10, 30))
    put(tmp_path / "b" / "2.png", noise(200, 90))
    assert data.load("folder", tmp_path).train_images.shape == (2, 3, 64, 64)
    assert data.load("folder", tmp_path, image_size=5).train_images.shape == (2, 3, 5, 5)
    assert data.load("folder", tmp_path, image_size=(4, 7)).train_images.shape == (2, 3, 4, 7)
    with pytest.raises(ValueError, match="image_size"):
        data.load("folder", tmp_path, image_size=(4, 7, 9))


def test_large_images_of_one_size_are_made_small(tmp_path):
    for name in ("a", "b"):
        put(tmp_path / name / "1.png", noise(150, 150))
    assert data.load("folder", tmp_path).train_images.shape == (2, 3, 64, 64)
    assert data.load("folder", tmp_path, image_size=150).train_images.shape == (2, 3, 150, 150)


@settings(max_examples=50)
@given(height=st.integers(1, 40), width=st.integers(1, 40), h=st.integers(1, 20), w=st.integers(1, 20))
def test_fitted_images_cover_the_frame(height, width, h, w):
    """White stays white up to the corners: nothing is padded."""
    image = folder_images.fitted(Image.new("L", (width, height), 255), (h, w))
    assert image.size == (w, h) and np.asarray(image).min() == 255


def test_other_data_sets_are_resized_too():
    digits = data.load("digits", image_size=12)
    assert digits.train_images.shape == (1797, 1, 12, 12) and digits.train_images.dtype == np.uint8
    assert data.load("digits", image_size=(4, 8)).train_images.shape == (1797, 1, 4, 8)


def test_broken_files_of_a_data_set(two):
    damage(two)
    with pytest.raises(errors.DataError, match="cat/1.png|dog/2.png"):
        data.load("folder", two)
    found = data.load("folder", two, on_error="skip")
    assert len(found.train_labels) == 17 and "dog/2.png" not in found.files["train"]
    assert all(name in " ".join(found.remarks) for name in ("cat/1.png", "dog/2.png", "dog/3.png"))
    bomb(two / "dog" / "9.png")
    assert "is refused" in " ".join(data.load("folder", two, on_error="skip").remarks)


def test_one_class_only(tmp_path):
    put(tmp_path / "only" / "1.png")
    with pytest.raises(errors.DataError, match="one class only, only"):
        data.load("folder", tmp_path)


def test_progress(two):
    steps = []
    data.load("folder", two, progress=lambda *step: steps.append(step[1:]))
    assert steps[0] == (1, 20, "images") and steps[-1] == (20, 20, "images")


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "photos" / "a").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "a" / "0.png")
    assert ImageFolder("~/photos").root == str(tmp_path / "photos") and look_at("folder", "~/photos").paths == [os.path.join("a", "0.png")]
