"""PyTorch's `torch.backends`: here so that programs that set its switches run."""

from . import cudnn
