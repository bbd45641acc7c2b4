"""PyTorch's `torch.utils`: here so that `from minicnn.utils.data import DataLoader` works."""

from . import data
