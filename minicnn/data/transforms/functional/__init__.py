"""What the transforms do, as functions with torchvision's names: every number is an argument, nothing is drawn at random."""

from .color import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, rgb_to_grayscale, to_grayscale
from .conversion import convert_image_dtype, normalize, pil_to_tensor, to_pil_image, to_tensor
from .frame import center_crop, crop, erase, hflip, pad, vflip
from .kinds import InterpolationMode
from .resampling import gaussian_blur, resize, resized_crop
from .warping import affine, rotate

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "affine", "center_crop",
    "convert_image_dtype", "crop", "erase", "gaussian_blur", "hflip", "normalize", "pad", "pil_to_tensor", "resize", "resized_crop",
    "rgb_to_grayscale", "rotate", "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]
