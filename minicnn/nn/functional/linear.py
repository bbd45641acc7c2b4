"""The dense layer, with PyTorch's arguments."""

from ... import shapes
from ...functional import fused
from ...functional import linear as layer
from .arguments import check_weighted

__all__ = ["linear"]


def linear(input, weight, bias=None):
    """y = x wᵀ + b: input (…, in_features), weight (out_features, in_features), bias (out_features,) -> (…, out_features)."""
    return _checked(layer.linear, input, weight, bias)


def linear_relu(input, weight, bias=None):
    """max(x wᵀ + b, 0) by one pair of functions: for `nn.Sequential`, where a ReLU follows the dense layer."""
    return _checked(fused.linear_relu, input, weight, bias)


def _checked(operation, input, weight, bias):
    check_weighted("linear", input, weight, bias)
    shapes.linear(input.array.shape, weight.array.shape, None if bias is None else bias.array.shape)
    if weight.array.ndim == 1:
        return operation(input, weight.unsqueeze(0), bias).squeeze(-1)
    return operation(input, weight, bias)
