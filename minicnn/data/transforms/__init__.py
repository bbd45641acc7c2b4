"""What can be done to an image before it enters a batch, and to a batch before it enters a network, with torchvision's names.

Transforms take Pillow images, Tensors and arrays (..., C, H, W), and give the same kind back. What is random is drawn from the default
stream, which a DataLoader starts anew for every sample: `loader.sample(epoch, index)` makes any augmented sample once more.
"""

from . import functional
from .color import ColorJitter, GaussianBlur, Grayscale, RandomGrayscale
from .conversion import ConvertImageDtype, Normalize, PILToTensor, ToPILImage, ToTensor
from .erasing import RandomErasing
from .functional.kinds import InterpolationMode
from .geometry import (
    CenterCrop,
    Pad,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
)
from .mixing import CutMix, MixUp
from .transform import Compose, Lambda, RandomApply, RandomChoice, RandomOrder

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "CutMix", "GaussianBlur", "Grayscale", "InterpolationMode", "Lambda",
    "MixUp", "Normalize", "PILToTensor", "Pad", "RandomAffine", "RandomApply", "RandomChoice", "RandomCrop", "RandomErasing",
    "RandomGrayscale", "RandomHorizontalFlip", "RandomOrder", "RandomResizedCrop", "RandomRotation", "RandomVerticalFlip", "Resize",
    "ToPILImage", "ToTensor", "functional",
]
