"""PyTorch's path `torch.utils.data.dataloader`."""

from ...data.collate import default_collate
from ...data.loader import DataLoader

__all__ = ["DataLoader", "default_collate"]
