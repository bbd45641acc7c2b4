"""PyTorch's path to what lies in `minicnn.data`."""

from ...data import *  # noqa: F403
from ...data import __all__
from . import dataloader, dataset, sampler
