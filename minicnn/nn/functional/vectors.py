"""Vectors along an axis: brought to length 1, compared with one another, or with a single 1 at a class's place."""

from ...elementary.extra import one_hot as make_one_hot
from ...errors import BadType
from ...tensor import Tensor
from .arguments import check_tensors, common_shape, number

__all__ = ["cosine_similarity", "normalize", "one_hot", "pairwise_distance"]


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """x / max(‖x‖ₚ, eps) with the norm over a dimension."""
    check_tensors("normalize", input)
    y = input / input.norm(p, dim, keepdim=True).clamp(min=number("normalize", "eps", eps))
    return y if out is None else out.copy_(y)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) over a dimension."""
    check_tensors("cosine_similarity", x1, x2=x2)
    shape = common_shape("cosine_similarity", x1, x2)
    x1, x2 = x1.expand(shape), x2.expand(shape)
    lengths = [x.norm(2, dim).clamp(min=eps) for x in (x1, x2)]
    return (x1 * x2).sum(dim) / (lengths[0] * lengths[1])


def pairwise_distance(x1, x2, p=2.0, eps=1e-06, keepdim=False):
    """‖x1 - x2 + eps‖ₚ over the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def one_hot(tensor, num_classes=-1):
    """Class indices int64 (...) as rows (..., K) with a single 1; K is the largest index + 1 unless given."""
    if not isinstance(tensor, Tensor) or tensor.array.dtype != "int64":
        raise BadType(f"one_hot: expected class indices, a Tensor of int64, got {getattr(tensor, 'dtype', type(tensor).__name__)}; "
                      "convert them with .long()")
    return make_one_hot(tensor, num_classes)
