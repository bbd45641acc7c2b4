"""Image files of any kind that Pillow reads, as upright Pillow images of mode RGB or L: one that cannot be read is named."""

import os

import numpy as np

from ..errors import DataError

# Pillow knows these by name only, or hands them to programs of the system.
NOT_READ = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
GREY = ("1", "L", "LA", "La", "I", "F")         # and I;16 in its spellings


class TooLarge(DataError):
    """An image with more pixels than are taken."""


def extensions():
    """The endings, in small letters and with their dot, of the files that Pillow can read."""
    from PIL import Image

    return tuple(sorted(ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN and kind not in NOT_READ))


def read_image(path, mode="RGB"):
    """The image in a file, as RGB or L: turned as EXIF says, the first picture of several, 16 bits and floats as 8 bits.

    What is transparent is seen on white. Raises DataError, naming the file, for what is no image, is damaged, or has more pixels
    than Pillow's limit against decompression bombs; OSError where the file cannot be opened.
    """
    from PIL import ImageOps

    return opened(path, lambda image: as_mode(ImageOps.exif_transpose(image), mode), decode=True)


def size_and_mode(path):
    """((height, width) once upright, "L" or "RGB") by the file's header."""
    return opened(path, lambda image: (upright_size(image), "L" if is_grey(image) else "RGB"))


def upright_size(image):
    turned = image.getexif().get(0x0112, 1) >= 5                        # EXIF's orientations 5 to 8 lie on their side
    return image.size if turned else image.size[::-1]


def is_grey(image):
    return image.mode in GREY or image.mode.startswith("I;16")


def opened(path, use, decode=False, formats=None, most_pixels=None):
    """use(image) of a file, with every way in which it can be no good told as a DataError.

    path         or a binary file that is open for reading
    formats      Pillow's names of those that are read; None: all
    most_pixels  TooLarge is raised for more than these, or than Pillow's limit
    """
    from PIL import Image

    if not hasattr(path, "read"):
        with open(path, "rb") as file:
            return opened(file, use, decode, formats, most_pixels)
    name = getattr(path, "name", "the image")
    try:
        image = Image.open(path, formats=formats)
        check_pixels(image, name, most_pixels)
        if decode:
            image.load()
        return use(image)
    except (MemoryError, TooLarge):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge(f"{name} is refused: {error}") from None
    except Exception as error:              # a damaged file may make Pillow's decoders raise anything
        raise DataError(f"{name} cannot be read as an image: {reason(error, path)}") from None


def reason(error, file):
    if type(error).__name__ != "UnidentifiedImageError":
        return error
    return "it is no image that Pillow knows" if file.seek(0, os.SEEK_END) else "it is empty"


def check_pixels(image, name, most):
    """Refuse more pixels than `most`, and than Pillow's limit: it only warns itself between once and twice of that."""
    from PIL import Image

    count, limit = image.width * image.height, Image.MAX_IMAGE_PIXELS
    if most is not None and count > most:
        raise TooLarge(f"{name} has {count:,} pixels, at most {most:,} are taken")
    if limit is not None and count > limit:
        raise TooLarge(f"{name} is refused: {image.width} x {image.height} pixels are more than Pillow's limit of {limit:,} "
                       f"(PIL.Image.MAX_IMAGE_PIXELS), and may be a decompression bomb")


def as_mode(image, mode):
    """The image as "RGB" or "L"."""
    from PIL import Image

    if image.mode[0] in "IF":                   # 16 and 32 bits, integer or float
        values = scaled(np.nan_to_num(np.asarray(image, np.float64)), image.mode)
        image = Image.fromarray(np.rint(values * 255).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


def scaled(values, mode):
    """Numbers of any range in 0..1; Pillow's modes I and F do not say what white is."""
    largest = values.max(initial=0)
    white = 65535 if "16" in mode else next((w for w in (1, 255, 65535) if largest <= w and (mode == "F" or w > 1)), largest)
    return np.clip(values / white, 0, 1).astype(np.float32)
