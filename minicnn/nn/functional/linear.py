"""The dense layer, with PyTorch's arguments."""

from ... import shapes
from ...functional import linear as layer
from .arguments import check_weighted

__all__ = ["linear"]


def linear(input, weight, bias=None):
    """y = x wᵀ + b: input (…, in_features), weight (out_features, in_features), bias (out_features,) -> (…, out_features)."""
    check_weighted("linear", input, weight, bias)
    shapes.linear(input.array.shape, weight.array.shape, None if bias is None else bias.array.shape)
    if weight.array.ndim == 1:
        y = layer.linear(input, weight.unsqueeze(0), bias).squeeze(-1)
        return y
    return layer.linear(input, weight, bias)
