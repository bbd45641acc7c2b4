"""The Tensor: an array, and its place in the graph of operations.

What is here is what a tensor *is*: its array, where it came from, and the way into and out of it. What can be computed with
it is in `elementary/`, which also attaches each operation as a method.
"""

import numpy as np

from . import arrays
from .errors import BadIndex, BadType, BadValue, GraphError

# Python scalars become these dtypes, as in PyTorch.
DEFAULT_DTYPES = {bool: arrays.bool_, int: arrays.int64, float: arrays.float32}


class Size(tuple):
    """A shape: a tuple that can count its elements, like `torch.Size`."""

    def numel(self):
        return int(np.prod(self, dtype=np.int64))

    def __getitem__(self, index):
        item = super().__getitem__(index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other):
        return Size(tuple(self) + tuple(other))

    def __repr__(self):
        return f"minicnn.Size({list(self)})"


def wrap(array):
    """A Tensor around an array (or the scalar that NumPy makes of a 0-d result), with nothing copied or checked."""
    t = Tensor.__new__(Tensor)
    t.array = array if type(array) is np.ndarray or arrays.is_array(array) else np.asarray(array)
    return t


class Tensor:
    """A multi-dimensional array that remembers how it was computed.

    array          the numpy.ndarray (or cupy.ndarray) with the values; its memory order is free
    requires_grad  True where gradients are to reach it: set by the user on leaves, inherited by results
    grad           after `backward()`, the gradient of a leaf: a Tensor of the same shape, or None
    node           the operation that made it, or None for a leaf
    """

    __array_priority__ = 1000          # `ndarray + tensor` is decided by the tensor
    node = leaf = grad = _version = None
    tracked = False

    def __init__(self, data, requires_grad=False):
        self.array = data.array if isinstance(data, Tensor) else as_array(data)
        if requires_grad:
            self.requires_grad_()

    # What it is

    @property
    def shape(self):
        return Size(self.array.shape)

    def size(self, dim=None):
        """The shape, or the length of one dimension."""
        return self.shape if dim is None else self.array.shape[check_dim(dim, self.array.ndim)]

    @property
    def ndim(self):
        return self.array.ndim

    def dim(self):
        return self.array.ndim

    @property
    def dtype(self):
        return self.array.dtype

    @property
    def device(self):
        return arrays.device_of(self.array)

    @property
    def is_cuda(self):
        return arrays.on_gpu(self.array)

    def numel(self):
        return self.array.size

    nelement = numel

    def element_size(self):
        return self.array.itemsize

    def is_floating_point(self):
        return self.array.dtype.kind == "f"

    def is_contiguous(self):
        return self.array.flags.c_contiguous

    def stride(self, dim=None):
        """Steps in memory, in elements."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[check_dim(dim, self.array.ndim)]

    def __len__(self):
        if self.array.ndim == 0:
            raise BadType("len() of a 0-d tensor")
        return self.array.shape[0]

    def __hash__(self):
        return id(self)

    def __repr__(self):
        return _describe(self)

    # Its values, out into Python and NumPy

    def item(self):
        """The value of a one-element tensor as a Python number."""
        if self.array.size != 1:
            raise GraphError(f"item() needs a tensor with one element, got shape {self.array.shape}")
        return self.array.item()

    def tolist(self):
        return self.array.tolist()

    def numpy(self):
        """The array itself, sharing memory. Refused while a gradient could be lost: detach() first."""
        if self.tracked:
            raise GraphError("numpy() on a tensor that requires a gradient would drop the gradient; call t.detach().numpy()")
        if self.is_cuda:
            raise BadType("numpy() on a cuda tensor: call t.cpu().numpy()")
        return self.array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype=dtype, copy=True) if copy else np.asarray(self.numpy(), dtype=dtype)

    def __bool__(self):
        if self.array.size != 1:
            raise GraphError(f"the truth of a tensor of shape {self.array.shape} is ambiguous; use .any() or .all()")
        return bool(self.array.item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        if self.array.dtype.kind not in "iub":
            raise BadType(f"only an integer tensor can be used as an index, got {self.dtype}")
        return int(self.item())

    def __iter__(self):
        if self.array.ndim == 0:
            raise BadType("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __format__(self, spec):
        return format(self.item(), spec) if self.array.ndim == 0 and spec else object.__format__(str(self), spec)

    # Its place in the graph

    @property
    def requires_grad(self):
        return self.tracked

    @requires_grad.setter
    def requires_grad(self, flag):
        self.requires_grad_(flag)

    def requires_grad_(self, requires_grad=True):
        """Turn gradients on or off for a leaf, in place."""
        if requires_grad and self.array.dtype.kind != "f":
            raise GraphError(f"only floating point tensors can require gradients, this one is {self.dtype}")
        if not requires_grad and self.node is not None:
            raise GraphError("requires_grad can be turned off for leaves only; use detach() for a computed tensor")
        self.tracked = bool(requires_grad)
        return self

    @property
    def is_leaf(self):
        return self.node is None

    @property
    def grad_fn(self):
        return self.node

    def backward(self, gradient=None, retain_graph=None, create_graph=False):
        """Compute the gradient of this tensor with respect to every leaf it depends on, added to the leaves' `.grad`."""
        from .autograd.backward import backward

        backward(self, gradient, retain_graph, create_graph)

    def retain_grad(self):
        """Keep this computed tensor's gradient in `.grad`, as leaves do."""
        if self.node is not None:
            self.register_hook(lambda dy: setattr(self, "grad", dy))
        elif not self.tracked:
            raise GraphError("retain_grad() on a tensor that does not require a gradient")

    def register_hook(self, hook):
        """Call `hook(gradient)` when this tensor's gradient is complete; what it returns, if anything, replaces it."""
        from .autograd.hooks import add_hook

        return add_hook(self, hook)

    def detach(self):
        """The same values in the same memory, cut off from the graph."""
        t = wrap(self.array)
        t._version = self.version_cell()
        return t

    def detach_(self):
        self.node, self.tracked = None, False
        return self

    @property
    def data(self):
        """The values outside the graph, sharing memory; changes made through it go unnoticed by the version counter."""
        return wrap(self.array)

    @data.setter
    def data(self, other):
        self.array = other.array if isinstance(other, Tensor) else as_array(other)

    def version_cell(self):
        """A one-element list, shared by all views of one memory, that counts changes in place."""
        if self._version is None:
            self._version = [0]
        return self._version

    def bump_version(self):
        """Say that the memory was written to, so that a backward that needs the old values refuses."""
        self.version_cell()[0] += 1

    # Copies

    def __deepcopy__(self, memo):
        if self.node is not None:
            raise GraphError("only leaf tensors can be deep-copied; detach() first")
        copy = memo[id(self)] = self._rebuild(self.array.copy(order="K"), self.tracked)
        copy.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _GRAPH_STATE})
        copy.grad = None if self.grad is None else self.grad.__deepcopy__(memo)
        return copy

    def __reduce_ex__(self, protocol):
        return self._rebuild, (self.array, self.tracked)

    @classmethod
    def _rebuild(cls, array, tracked):
        t = cls.__new__(cls)
        t.array, t.tracked = array, tracked
        return t


_GRAPH_STATE = ("array", "node", "leaf", "grad", "_version", "tracked")


def as_array(data, dtype=None):
    """A supported array from nested lists of numbers and tensors, or an array; Python floats become float32."""
    if isinstance(data, Tensor):
        data = data.array
    if not arrays.is_array(data):
        data = _from_python(data)
    if dtype is not None:
        return data.astype(arrays.as_dtype(dtype), copy=False)
    arrays.as_dtype(data.dtype)
    return data


def _from_python(data):
    if isinstance(data, np.generic):
        return np.asarray(data)
    data = _plain(data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise BadValue(f"cannot make a tensor of ragged nested lists: {error}") from None
    if array.dtype.kind not in "biuf":
        raise BadType(f"cannot make a tensor of {type(data).__name__} with elements like {array.dtype}")
    kind = {"b": bool, "i": int, "u": int, "f": float}[array.dtype.kind]
    holds_numpy = isinstance(data, (list, tuple)) and data and isinstance(data[0], (np.ndarray, np.generic))
    return array if holds_numpy else array.astype(DEFAULT_DTYPES[kind])


def _plain(data):
    """Tensors inside lists become numbers and lists."""
    if isinstance(data, Tensor):
        return data.array.tolist()
    return [_plain(item) for item in data] if isinstance(data, (list, tuple)) and not _holds_numpy(data) else data


def _holds_numpy(data):
    return bool(data) and isinstance(data[0], (np.ndarray, np.generic))


def check_dim(dim, ndim, name="dim"):
    """The dimension counted from the front; a 0-d tensor has the dimensions 0 and -1, as in PyTorch."""
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
        raise BadType(f"{name} must be an integer, got {dim!r}")
    span = max(ndim, 1)
    if not -span <= dim < span:
        raise BadIndex(f"{name} must be between {-span} and {span - 1} for a tensor with {ndim} dimensions, got {dim}")
    return int(dim) % span


def _describe(t):
    array = arrays.to_numpy(t.array)
    text = np.array2string(array, separator=", ", prefix="tensor(", precision=4, threshold=1000, suppress_small=False)
    notes = [f"dtype={t.dtype}"] if t.dtype not in (arrays.float32, arrays.int64, arrays.bool_) or not array.size else []
    notes += [f"device='{t.device}'"] if t.is_cuda else []
    if t.node is not None:
        notes.append(f"grad_fn=<{t.node.name()}>")
    elif t.tracked:
        notes.append("requires_grad=True")
    return f"tensor({', '.join([text, *notes])})"
