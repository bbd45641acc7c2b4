"""Images to tensors and back, normalization."""

from . import functional as F
from .functional.conversion import check_statistics


class ToTensor:
    """A tensor (C, H, W) from a Pillow image or an array (H, W) or (H, W, C).

    Bytes 0..255 become float32 in 0..1; other numbers keep their value and dtype. Raises BadType, ShapeError.
    """

    def __call__(self, pic):
        return F.to_tensor(pic)

    def __repr__(self):
        return "ToTensor()"


class PILToTensor:
    """A tensor (C, H, W) with a Pillow image's own numbers: uint8 for most modes."""

    def __call__(self, pic):
        return F.pil_to_tensor(pic)

    def __repr__(self):
        return "PILToTensor()"


class ToPILImage:
    """A Pillow image from a tensor (C, H, W), floats in 0..1 or bytes, or from an array (H, W, C).

    mode  Pillow's; None: by the number of channels
    """

    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        return F.to_pil_image(pic, self.mode)

    def __repr__(self):
        return "ToPILImage(" + (f"mode={self.mode}" if self.mode is not None else "") + ")"


class ConvertImageDtype:
    """A tensor in another dtype, with white white: floats in 0..1, integers up to their largest number."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __call__(self, image):
        return F.convert_image_dtype(image, self.dtype)

    def __repr__(self):
        return "ConvertImageDtype()"


class Normalize:
    """(x − mean) / std, channel by channel, of a floating point tensor (..., C, H, W). Raises BadType, BadValue, ShapeError."""

    def __init__(self, mean, std, inplace=False):
        check_statistics(mean, std)
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, tensor):
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self):
        return f"Normalize(mean={self.mean}, std={self.std})"
