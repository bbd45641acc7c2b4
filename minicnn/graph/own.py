"""The nodes of the domain "minicnn": functions of ours that ONNX has no operator for, or none with exactly the same values and gradients.

A node's op_type is the function's name, its attributes are the function's arguments, JSON-ready, and its inputs the tensors among them:

    Node("group_norm", ["x", "norm.weight", "norm.bias"], ["y"], {"num_groups": 4, "eps": 1e-05}, domain="minicnn")
"""

import inspect
from typing import NamedTuple

from .. import arrays, shapes
from ..elementary import arithmetic, comparison, extra, indexing, joining, linear_algebra, norms, ordering, reduction, shape
from ..autograd.operation import Elementary
from ..errors import BadType, BadValue, Error, GraphError, UnsupportedOperator
from ..functional import activation, normalization, pooling, resize
from ..nn import functional as F
from .operators.table import described


MANY = ("indices", "operands", "matrices")     # arguments that stand for any number of tensors


class Own(NamedTuple):
    """A function that a node can name.

    tensors  the arguments that are tensors, in the order of the node's inputs; "" for an input stands for None
    mode     the argument that follows the module's mode, training or evaluation, unless the node gives it; None: none
    """

    function: object
    tensors: tuple
    mode: str | None = None

    @property
    def attributes(self):
        """The names of the other arguments."""
        return [name for name in inspect.signature(self.function).parameters if name not in self.tensors]


def cast(input, to):
    """The values as another dtype."""
    return shape.cast(input, to)


def detach(input):
    """The values, with no way back for the gradient."""
    return input.detach()


def trunc_divide(input, other):
    """x / y rounded towards zero."""
    return arithmetic.div(input, other, rounding_mode="trunc")


def norm(input, p, dim, keepdim=False):
    """The p-norm over dimensions; infinite p does not come here."""
    return norms.norm(input, p, dim, keepdim)


def softplus(input, beta=1.0, threshold=20.0):
    """log(1 + exp(beta · x)) / beta."""
    return activation.softplus(input, beta=beta, threshold=threshold)


def standardize(input, eps):
    """(x - E[x]) / √(Var[x] + eps) over the last axis."""
    return normalization.standardize(input, eps=eps)


def _no_gradient(dz, function):
    raise GraphError(f"the gradient of {function}, a Function of the user's own, is Python code, which a graph does not hold")


_result_of = Elementary("CustomGradient", lambda *xs, function: xs[0][...], _no_gradient)


def custom_gradient(*operands, function):
    """The first of the operands, which a Function has computed from the others; there is no way back."""
    return _result_of(*operands, function=function)


def resample(input, *matrices):
    """Each axis behind the channels times its matrix (new length, length)."""
    return resize.resize(input, matrices=tuple(m.array for m in matrices))


def average_windows(input, divisor, *, kernel_shape, strides, pads):
    """Sums of windows over a divisor: a number, or one for each output pixel, which says how many there are."""
    window = averaging_window(input.shape[2:], divisor, kernel_shape, strides, pads)
    return pooling.avg_pool2d(input, window=window, divisor=divisor.array if divisor.ndim else divisor.item())


def averaging_window(size, divisor, kernel_shape, strides, pads):
    """The Window of `average_windows` on images of a size."""
    size, padding = tuple(size), tuple(zip(pads[:2], pads[2:]))
    output = tuple(divisor.shape) or tuple(map(shapes.positions, size, kernel_shape, strides, padding, (1, 1)))
    return shapes.Window(size, tuple(kernel_shape), tuple(strides), padding, (1, 1), output)


def getitem(input, *indices, index):
    """x[index], where the index is written as `index_words` writes it, and its tensors are `indices`."""
    return input[index_of(index, indices)]


def setitem(input, value, *indices, index):
    """x with x[index] = value."""
    changed = input.clone()
    changed[index_of(index, indices)] = value
    return changed


def index_of(words, tensors):
    """The index that words stand for: n, ["slice", start, stop, step], "...", None, and "tensor" for the next of the tensors."""
    tensors = iter(tensors)
    return tuple(slice(*word[1:]) if isinstance(word, list) else ... if word == "..." else next(tensors) if word == "tensor" else word
                 for word in words)


def index_words(index):
    """An index of integers, slices, None, ... and arrays in words, and the arrays."""
    words = [["slice", i.start, i.stop, i.step] if isinstance(i, slice) else
             "..." if i is Ellipsis else "tensor" if arrays.is_array(i) else i for i in index]
    return words, [i for i in index if arrays.is_array(i)]


def _table():
    one = ("input",)
    table = {name: Own(getattr(F, name), one) for name in (
        "silu mish gelu celu hardswish hardsigmoid hardtanh logsigmoid leaky_relu elu selu pad interpolate unfold fold pixel_shuffle "
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d avg_pool1d avg_pool2d lp_pool2d "
        "max_pool1d max_pool2d_with_indices local_response_norm").split()}
    table |= {name: Own(getattr(F, name), one, "training") for name in ("dropout", "dropout1d", "dropout2d")}
    table |= {function.__name__: Own(function, one) for function in (
        arithmetic.expm1, arithmetic.log1p, arithmetic.rsqrt, arithmetic.trunc, arithmetic.pow, reduction.mean, reduction.var,
        reduction.std, reduction.logsumexp, reduction.argmax, reduction.argmin, reduction.any, reduction.all, ordering.sort,
        ordering.argsort, ordering.topk, shape.flip, shape.roll, joining.diagonal, comparison.isfinite, indexing.nonzero, detach,
        softplus, standardize, norm, cast)}
    table |= {function.__name__: Own(function, ("input", "other")) for function in (
        arithmetic.floor_divide, trunc_divide, arithmetic.remainder, comparison.ne, comparison.bitwise_and, comparison.bitwise_or,
        comparison.bitwise_xor, comparison.logical_and, comparison.logical_or, comparison.logical_xor, comparison.isclose)}
    table |= {
        "bitwise_not": Own(comparison.bitwise_not, one),
        "logical_not": Own(comparison.logical_not, one),
        "linear": Own(F.linear, ("input", "weight", "bias")),
        "custom_gradient": Own(custom_gradient, ("operands",)),
        "resample": Own(resample, ("input", "matrices")),
        "average_windows": Own(average_windows, ("input", "divisor")),
        "prelu": Own(F.prelu, ("input", "weight")),
        "batch_norm": Own(F.batch_norm, ("input", "running_mean", "running_var", "weight", "bias"), "training"),
        "instance_norm": Own(F.instance_norm, ("input", "running_mean", "running_var", "weight", "bias"), "use_input_stats"),
        "group_norm": Own(F.group_norm, ("input", "weight", "bias")),
        "layer_norm": Own(F.layer_norm, ("input", "weight", "bias")),
        "getitem": Own(getitem, ("input", "indices")),
        "setitem": Own(setitem, ("input", "value", "indices")),
        "gather": Own(indexing.gather, ("input", "index")),
        "scatter": Own(indexing.scatter, ("input", "index", "src")),
        "scatter_add": Own(indexing.scatter_add, ("input", "index", "src")),
        "one_hot": Own(extra.one_hot, ("tensor",)),
        "bincount": Own(extra.bincount, ("input", "weights")),
        "einsum": Own(linear_algebra.einsum, ("operands",)),
    }
    losses = {"cross_entropy": 3, "nll_loss": 3, "mse_loss": 2, "l1_loss": 2, "smooth_l1_loss": 2, "huber_loss": 2, "kl_div": 2,
              "binary_cross_entropy": 3, "binary_cross_entropy_with_logits": 3}
    return table | {name: Own(getattr(F, name), ("input", "target", "weight")[:n]) for name, n in losses.items()}


OWN = _table()


def check_own(node):
    """Raises UnsupportedOperator for a name that no function has, BadValue for an attribute that the function does not take."""
    if node.op_type not in OWN:
        raise UnsupportedOperator([f"{node.domain}.{node.op_type}"])
    own = OWN[node.op_type]
    unknown = set(node.attributes) - set(own.attributes)
    if unknown:
        raise BadValue(f"{described(node)} has no attribute {min(unknown)!r:.40}")
    if len(node.inputs) > len(own.tensors) and own.tensors[-1] not in MANY or not node.inputs:
        raise BadValue(f"{described(node)}: expected 1 to {len(own.tensors)} inputs ({', '.join(own.tensors)}), got {node.inputs}")


def compute_own(node, inputs, training=False):
    """The outputs of a node of the domain "minicnn", as a tuple.

    inputs    tensors, None for those that are left out
    training  the mode of the module that the node belongs to
    """
    own, options = OWN[node.op_type], dict(node.attributes)
    if own.mode is not None:
        options.setdefault(own.mode, training)
    try:
        found = own.function(*inputs, **options) if own.tensors[-1] in MANY else own.function(**dict(zip(own.tensors, inputs)), **options)
    except Error as error:
        error.args = (f"{described(node)}: {error}",)
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise (BadType if isinstance(error, TypeError) else BadValue)(f"{described(node)}: {error}") from error
    return tuple(found) if issubclass(type(found), tuple) else (found,)     # isinstance would have a waiting result computed
