"""From Pillow images to tensors and back, between dtypes, and to mean 0 and deviation 1."""

import numpy as np

from ....arrays import float32
from ....errors import BadType, BadValue, ShapeError
from ....tensor import Tensor, wrap
from .kinds import is_pillow, white


def to_tensor(pic):
    """A tensor (C, H, W) from a Pillow image or an array (H, W) or (H, W, C).

    Bytes 0..255 become float32 in 0..1; other numbers keep their value and dtype. Raises BadType, ShapeError.
    """
    if is_pillow(pic):
        pic = _pixels(pic.convert("L") if pic.mode == "1" else pic)
    if not isinstance(pic, np.ndarray):
        raise BadType(f"ToTensor takes a Pillow image or an array, got {type(pic).__name__}")
    if pic.ndim not in (2, 3):
        raise ShapeError(f"ToTensor takes an image (H, W) or (H, W, C), got shape {pic.shape}")
    planes = _planes(pic)
    return wrap(planes.astype(np.float32) / np.float32(255) if pic.dtype == np.uint8 else planes)


def pil_to_tensor(pic):
    """A tensor (C, H, W) with a Pillow image's own numbers: uint8 for most modes."""
    if not is_pillow(pic):
        raise BadType(f"PILToTensor takes a Pillow image, got {type(pic).__name__}")
    return wrap(_planes(_pixels(pic)))


def _pixels(image):
    """A Pillow image's numbers; those of 16 bits as int32, which has room for them (and minicnn has no uint16)."""
    pixels = np.asarray(image)
    return pixels.astype(np.int32) if pixels.dtype.str[1:] == "u2" else pixels


def _planes(pixels):
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1))


MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def to_pil_image(pic, mode=None):
    """A Pillow image from a tensor (C, H, W) or (H, W), floats in 0..1 or bytes, or from an array (H, W, C) or (H, W).

    mode  Pillow's; None: L, LA, RGB or RGBA by the number of channels; I or F for one channel of int32 or of an array's floats
    """
    from PIL import Image

    pixels = _channels_last(pic)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim == 3 and pixels.dtype != np.uint8:
        raise BadType(f"an image of several channels must be uint8, or a tensor of floats in 0..1, got {pixels.dtype}")
    if pixels.dtype.str[1:] not in ("u1", "i4", "f4", "u2", "b1"):
        raise BadType(f"Pillow has no images of {pixels.dtype}")
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return image if mode in (None, image.mode) else _as_mode(image, mode)


def _channels_last(pic):
    """(H, W) or (H, W, C), a tensor's floats as bytes. Raises BadType, ShapeError."""
    if not isinstance(pic, (Tensor, np.ndarray)):
        raise BadType(f"ToPILImage takes a tensor or an array, got {type(pic).__name__}")
    pixels = pic.array if isinstance(pic, Tensor) else pic
    if isinstance(pic, Tensor) and pixels.ndim == 3:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in MODES):
        raise ShapeError(f"ToPILImage takes an image of 1 to 4 channels, got shape {pic.shape}")
    return (pixels * 255).astype(np.uint8) if isinstance(pic, Tensor) and pixels.dtype.kind == "f" else pixels


def _as_mode(image, mode):
    """The same bytes under another name, such as HSV for RGB."""
    from PIL import Image

    if len(Image.getmodebands(mode)) != len(image.getbands()) if isinstance(mode, str) and mode in Image.MODES else True:
        raise BadValue(f"mode {mode!r} does not fit an image of {len(image.getbands())} channels")
    return Image.frombytes(mode, image.size, image.tobytes())


def convert_image_dtype(image, dtype=float32):
    """The image in another dtype, with white white: floats in 0..1, integers up to their largest number."""
    if not isinstance(image, Tensor):
        raise BadType(f"a tensor is needed, got {type(image).__name__}")
    x, dtype = image.array, np.dtype(dtype)
    if x.dtype == dtype:
        return image
    if x.dtype.kind == "f":
        return wrap(x.astype(dtype) if dtype.kind == "f" else (x * (np.iinfo(dtype).max + 1 - 1e-3)).astype(dtype))
    if dtype.kind == "f":
        return wrap(x.astype(dtype) / dtype.type(white(x)))
    top, bottom = np.iinfo(dtype).max + 1, white(x) + 1
    return wrap((x // (bottom // top)).astype(dtype) if bottom > top else x.astype(dtype) * dtype.type(top // bottom))


def normalize(tensor, mean, std, inplace=False):
    """(x − mean) / std, channel by channel, of a floating point tensor (..., C, H, W). Raises BadType, BadValue, ShapeError."""
    check_statistics(mean, std)
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise BadType(f"Normalize takes a floating point tensor, got {getattr(tensor, 'dtype', type(tensor).__name__)}")
    if tensor.ndim < 3:
        raise ShapeError(f"Normalize takes a tensor (..., C, H, W), got shape {tuple(tensor.shape)}")
    m, s = (np.asarray(v, dtype=tensor.dtype).reshape(-1, 1, 1) for v in (mean, std))
    if len(m) not in (1, tensor.shape[-3]) or len(s) not in (1, tensor.shape[-3]):
        raise ShapeError(f"mean and std need one number per channel ({tensor.shape[-3]}), got {len(m)} and {len(s)}")
    result = (tensor.array - m) / s
    return tensor.copy_(wrap(result)) if inplace else wrap(result)


def check_statistics(mean, std):
    for name, values in (("mean", mean), ("std", std)):
        if np.asarray(values).dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise BadValue(f"{name} must be finite numbers, one per channel, got {values!r}")
    if not np.all(np.asarray(std)):
        raise BadValue(f"std must not be 0, got {std}")
