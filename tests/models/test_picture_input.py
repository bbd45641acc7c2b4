"""From image files to inputs: every mode, size and orientation gives the same digit; what is no image is refused in one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from minicnn import data, errors
from minicnn.models import picture

SHAPE, DARK = (1, 8, 8), {"background": "dark", "fill": 1.0}


def seven(height=60, width=50):
    """A grey 7: light on dark, in the upper left of the picture, 40 rows by 24 columns."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[4:10, 6:30] = pixels[4:44, 24:30] = 255
    return pixels


def expected():
    return picture.fitted(seven()[None] / np.float32(255), (8, 8), DARK)[0]


def written(path, image, **options):
    image.save(path, **options)
    return path


def lit(mode):
    image = Image.fromarray(seven())
    if mode == "I;16":
        return Image.fromarray(seven().astype(np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(seven().astype(np.int32) * 257)
    if mode == "F":
        return Image.fromarray(seven().astype(np.float32) / 255)
    if mode == "RGBA":
        return Image.merge("RGBA", [Image.new("L", image.size, 255)] * 3 + [image])
    if mode == "LA":
        return Image.merge("LA", [Image.new("L", image.size, 255), image])
    return image.convert(mode)


@pytest.mark.parametrize("mode, kind", [
    ("1", "png"), ("L", "png"), ("P", "png"), ("P", "gif"), ("RGB", "png"), ("RGB", "webp"), ("LA", "png"), ("RGBA", "png"), ("CMYK", "tiff"),
    ("YCbCr", "tiff"), ("I;16", "png"), ("I", "tiff"), ("F", "tiff"), ("L", "bmp"), ("RGB", "ppm"), ("LAB", "tiff"),
])
def test_every_mode_gives_the_same_input(tmp_path, mode, kind):
    image = lit(mode) if mode != "LAB" else ImageCms.profileToProfile(
        lit("RGB"), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
    path = written(tmp_path / f"seven.{kind}", image, **({"lossless": True} if kind == "webp" else {}))
    if mode == "LAB":
        with pytest.raises(errors.DataError, match="cannot be read as an image"):       # Pillow itself cannot convert it
            picture.read(path, SHAPE, DARK)
        return
    read = picture.read(path, SHAPE, DARK)
    np.testing.assert_allclose(read.pixels, expected(), atol=0.01)
    assert read.pixels.dtype == np.float32 and read.notes == [f"50x60 {read.notes[0][6:]}", "content centred in 8x8"]


def test_dark_on_light_is_inverted_and_said(tmp_path):
    path = written(tmp_path / "seven.png", Image.fromarray(255 - seven()))
    read = picture.read(path, SHAPE, DARK)
    np.testing.assert_allclose(read.pixels, expected(), atol=1e-6)
    assert "dark background expected: inverted" in read.notes
    kept = picture.read(path, SHAPE, DARK, invert=False)
    assert not any("inverted" in note for note in kept.notes)
    assert "inverted" in picture.read(path, SHAPE, DARK, invert=True).notes
    light = {"background": "light", "fill": 1.0}
    np.testing.assert_allclose(picture.read(path, SHAPE, light).pixels, 1 - expected(), atol=1e-6)


def test_dark_ink_without_a_background_counts_as_dark_on_white(tmp_path):
    ink = Image.merge("LA", [Image.new("L", (50, 60), 0), Image.fromarray(seven())])
    read = picture.read(written(tmp_path / "ink.png", ink), SHAPE, DARK)
    np.testing.assert_allclose(read.pixels, expected(), atol=0.01)
    assert "dark background expected: inverted" in read.notes


@pytest.mark.parametrize("orientation, undo", [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90),
                                               (8, Image.Transpose.ROTATE_270), (2, Image.Transpose.FLIP_LEFT_RIGHT)])
def test_exif_orientation_is_followed(tmp_path, orientation, undo):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = written(tmp_path / "photo.jpg", Image.fromarray(seven()).transpose(undo), exif=exif, quality=95)
    np.testing.assert_allclose(picture.read(path, SHAPE, DARK).pixels, expected(), atol=0.06)


def test_a_photograph_with_uneven_light_and_noise(tmp_path):
    rng = np.random.default_rng(0)
    page = 200 - 150.0 * np.kron(seven(), np.ones((20, 20))) / 255 - np.linspace(0, 30, 1000)
    path = written(tmp_path / "photo.png", Image.fromarray(np.clip(page + rng.normal(0, 5, page.shape), 0, 255).astype(np.uint8)))
    np.testing.assert_allclose(picture.read(path, SHAPE, DARK).pixels, expected(), atol=0.2)


def test_an_image_of_the_models_size_is_taken_as_it_is(tmp_path):
    pixels = data.Digits().data.numpy()[5]
    read = picture.read(written(tmp_path / "x.png", Image.fromarray(pixels)), SHAPE, DARK)
    np.testing.assert_array_equal(read.pixels[0], pixels.astype(np.float32) / 255)
    assert read.notes == ["8x8 L"]


def test_colour_models_get_the_middle_part(tmp_path):
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 10:20] = (255, 0, 51)
    read = picture.read(written(tmp_path / "x.png", Image.fromarray(image)), (3, 5, 5), {"background": "any", "fill": 1.0})
    np.testing.assert_allclose(read.pixels, np.broadcast_to(np.float32([1, 0, 0.2])[:, None, None], (3, 5, 5)), atol=1e-6)
    assert read.notes[-1] == "middle part scaled to 5x5"


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3000, 2), (9, 8)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_and_odd_sizes_work(tmp_path, size, value):
    path = written(tmp_path / "x.png", Image.new("L", size, value))
    pixels = picture.read(path, SHAPE, DARK).pixels
    assert pixels.shape == SHAPE and np.isfinite(pixels).all() and 0 <= pixels.min() <= pixels.max() <= 1


def test_what_training_images_look_like():
    digits = data.load("digits").train_images
    assert picture.style_of(digits) == DARK
    assert picture.style_of(255 - digits)["background"] == "light"
    assert picture.style_of(np.random.default_rng(0).integers(0, 256, (50, 3, 8, 8), np.uint8))["background"] == "any"
    framed = np.pad(digits, ((0, 0), (0, 0), (4, 4), (4, 4)))
    assert picture.style_of(framed) == {"background": "dark", "fill": 0.5}
    fitted, _ = picture.fitted(seven()[None] / np.float32(255), (16, 16), picture.style_of(framed))
    assert np.argwhere(fitted[0] > 0.2).min() == 4 and np.argwhere(fitted[0] > 0.2).max() == 11


def bomb():
    """A PNG of a few hundred bytes that says it is 20,000 x 20,000 pixels."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 20000, 20000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def truncated():
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(stream, "PNG")
    return stream.getvalue()[:2000]


@pytest.mark.parametrize("content, message", [
    (bomb(), "is refused: Image size .* exceeds limit"), (truncated(), "truncated"), (b"", "it is empty"),
    (b"GIF89a", "cannot be read as an image"), (b"\x89PNG\r\n\x1a\n", "cannot be read as an image"), (b"text", "no image that Pillow knows"),
], ids=["bomb", "truncated", "empty", "gif head", "png head", "text"])
def test_what_is_no_image_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "file.png"
    path.write_bytes(content)
    with pytest.raises(errors.DataError, match=message) as caught:
        picture.read(path, SHAPE, DARK)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_cannot_be_opened_are_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        picture.read(tmp_path / "absent.png", SHAPE, DARK)
    with pytest.raises(IsADirectoryError):
        picture.read(tmp_path, SHAPE, DARK)


def test_models_with_other_channels_are_refused(tmp_path):
    with pytest.raises(errors.BadValue, match="1 or 3 channels, this one takes 2"):
        picture.read(tmp_path / "x.png", (2, 8, 8), DARK)
