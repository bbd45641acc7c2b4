"""The Tensor: an array, and its place in the graph of operations.

What is here is what a tensor *is*: its array, where it came from, and the way into and out of it. What can be computed with
it is in `elementary/`, how its gradient comes about in `autograd/`; both attach their methods to this class.
"""

import weakref

import numpy as np

from . import arrays
from .errors import BadIndex, BadType, BadValue, GraphError, ShapeError


class Superseded:
    """Stands in the place of a version where memory was left behind: a tensor in it was changed in place in the graph."""

    def __init__(self, tensor):
        self.tensor, self.array = weakref.ref(tensor), tensor.array


class Size(tuple):
    """A shape: a tuple that can count its elements, like `torch.Size`."""

    def numel(self):
        """How many elements a tensor of this shape has."""
        count = 1
        for n in self:
            count *= n
        return count

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
    extent         of integers that came from the CPU to a GPU: (lowest, highest, version), so that labels can be checked without waiting

    `Tensor(array)` shares the array's memory; `Tensor([1, 2])` holds float32 numbers and `Tensor(2, 3)` is zeros of that
    shape, as in PyTorch, where `tensor()` is the better way to make one.
    """

    __array_priority__ = 1000          # `ndarray + tensor` is decided by the tensor
    node = leaf = extent = _grad = _version = None
    tracked = False

    def __init__(self, *data, requires_grad=False):
        self.array = _initial(data)
        if requires_grad:
            self.requires_grad_()

    # What it is

    @property
    def shape(self):
        return Size(self.array.shape)

    def size(self, dim=None):
        """The shape, or the length of one dimension."""
        return self.shape if dim is None else self.array.shape[check_dim(dim, self.array.ndim, existing=True)]

    @property
    def ndim(self):
        return self.array.ndim

    def dim(self):
        """The number of dimensions."""
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
        """The number of elements."""
        return self.array.size

    nelement = numel

    def element_size(self):
        """Bytes per element."""
        return self.array.itemsize

    @property
    def nbytes(self):
        return self.array.nbytes

    def is_floating_point(self):
        return self.array.dtype.kind == "f"

    def is_contiguous(self):
        """Whether the elements lie in memory in row-major order without gaps."""
        return self.array.flags.c_contiguous

    def stride(self, dim=None):
        """Steps in memory, in elements."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[check_dim(dim, self.array.ndim)]

    def data_ptr(self):
        """The address of the first element."""
        return arrays.address(self.array)

    def __len__(self):
        if self.array.ndim == 0:
            raise BadType("len() of a 0-d tensor")
        return self.array.shape[0]

    __hash__ = object.__hash__

    def __format__(self, spec):
        return format(self.item(), spec) if self.array.ndim == 0 else object.__format__(self, spec)

    # Its values, out into Python and NumPy

    def item(self):
        """The value of a one-element tensor as a Python number."""
        if self.array.size != 1:
            raise ShapeError(f"expected a tensor with one element, got shape {self.array.shape}")
        self.check_current()
        return self.array.item()

    def tolist(self):
        """The values as nested lists of Python numbers."""
        self.check_current()
        return self.array.tolist()

    def numpy(self, *, force=False):
        """The array itself, sharing memory. Refused while a gradient could be lost: detach() first, or force=True."""
        if force:
            return arrays.to_numpy(self.array)
        if self.tracked:
            raise GraphError("numpy() on a tensor that requires a gradient would drop the gradient; call t.detach().numpy()")
        if self.is_cuda:
            raise BadType("numpy() on a cuda tensor: call t.cpu().numpy()")
        self.check_current()
        return self.array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype=dtype, copy=True) if copy else np.asarray(self.numpy(), dtype=dtype)

    def __bool__(self):
        return bool(self.item())

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

    @property
    def grad(self):
        return self._grad

    @grad.setter
    def grad(self, gradient):
        if gradient is not None:
            self._check_gradient(gradient)
        self._grad = gradient

    def _check_gradient(self, gradient):
        if not isinstance(gradient, Tensor):
            raise BadType(f"grad must be a Tensor or None, got {type(gradient).__name__}")
        if gradient.array.shape != self.array.shape:
            raise ShapeError(f"grad must have the tensor's shape {self.array.shape}, got {gradient.array.shape}")

    def detach(self):
        """The same values in the same memory, cut off from the graph."""
        t = wrap(self.array)
        t._version = self.version_cell()
        return t

    def detach_(self):
        """Cut this tensor off from the graph, in place."""
        self.node, self.leaf, self.tracked = None, None, False
        return self

    @property
    def data(self):
        """The values outside the graph, sharing memory; changes made through it go unnoticed by the version counter."""
        return wrap(self.array)

    @data.setter
    def data(self, other):
        self.array = other.array if isinstance(other, Tensor) else as_array(other)

    # Changes in place

    def version_cell(self):
        """A one-element list, shared by all views of one memory, that counts changes in place."""
        if self._version is None:
            self._version = [0]
        return self._version

    def bump_version(self):
        """Say that the memory was written to, so that a backward that needs the old values refuses."""
        self.check_current()
        self.version_cell()[0] += 1

    def check_current(self):
        """Refuse values that another tensor has left behind: one in the same memory, changed in place in the graph."""
        if self._version is not None and type(self._version[0]) is Superseded:
            raise GraphError("this tensor shared memory with one that was changed in place while operations were recorded, and "
                             "does not see that change; take the view after the change, or compute out of place")

    # Copies

    def __deepcopy__(self, memo):
        if self.node is not None:
            raise GraphError("only leaf tensors can be deep-copied; detach() first")
        copy = memo[id(self)] = self._rebuild(self.array.copy(order="K"), self.tracked)
        copy.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _GRAPH_STATE})
        copy._grad = None if self._grad is None else self._grad.__deepcopy__(memo)
        return copy

    def __reduce_ex__(self, protocol):
        if self.node is not None:
            raise GraphError("only leaf tensors can be pickled; detach() first")
        return self._rebuild, (self.array, self.tracked)

    @classmethod
    def _rebuild(cls, array, tracked):
        t = cls.__new__(cls)
        t.array, t.tracked = array, tracked
        return t


_GRAPH_STATE = ("array", "node", "leaf", "_grad", "_version", "tracked")


def _initial(data):
    """What `Tensor(...)` was given: a tensor, an array, numbers in lists (as float32), or lengths."""
    if len(data) == 1 and not isinstance(data[0], (int, Size)):
        if isinstance(data[0], Tensor):
            return data[0].array
        return as_array(data[0], None if arrays.is_array(data[0]) else arrays.float32)
    shape = data[0] if data and isinstance(data[0], Size) else data or (0,)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape):
        raise BadType(f"Tensor() expects an array, nested lists of numbers or lengths, got {data!r}")
    return np.zeros(shape, arrays.float32)


def as_array(data, dtype=None):
    """A supported array from nested lists of numbers and tensors, or an array; Python floats become float32."""
    if isinstance(data, Tensor):
        data = data.array
    if not arrays.is_array(data):
        data = _from_python(data, dtype)
    if dtype is None:
        arrays.as_dtype(data.dtype)
        return data
    with np.errstate(all="ignore"):
        return data.astype(arrays.as_dtype(dtype), copy=False)


# Python's numbers become these dtypes, as in PyTorch.
DEFAULT_DTYPES = {bool: arrays.bool_, int: arrays.int64, float: arrays.float32}


def _from_python(data, dtype=None):
    """An array from numbers in nested sequences; NumPy's numbers and tensors among them bring their dtypes along."""
    found = set()
    data = _plain(data, found)
    unknown = found - set(DEFAULT_DTYPES) - set(arrays.DTYPES.values())
    if unknown:
        raise BadType(f"cannot make a tensor of {', '.join(getattr(f, '__name__', str(f)) for f in unknown)}; expected numbers, arrays "
                      "or tensors in nested lists")
    try:
        with np.errstate(all="ignore"):
            return np.asarray(data).astype(_common(found) if dtype is None else arrays.as_dtype(dtype), copy=False)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"cannot make a tensor of this data: {error}") from None


def _plain(data, found):
    """The data as nested lists of numbers; the types and dtypes of the numbers are added to `found`."""
    if isinstance(data, (list, tuple, range)):
        types = set(map(type, data))
        if types <= DEFAULT_DTYPES.keys():
            found |= types
            return data
        return [_plain(item, found) for item in data]
    if hasattr(data, "__array__"):
        data = data.array if isinstance(data, Tensor) else np.asarray(data)
        found.add(data.dtype)
        return arrays.to_numpy(data)
    found.add(type(data))
    return data


def _common(found):
    """The dtype that holds all of these; dtypes that arrays bring along decide before Python's numbers of the same kind."""
    dtypes = [DEFAULT_DTYPES.get(f, f) for f in found]
    brought = [f for f in found if f not in DEFAULT_DTYPES]
    highest = max(map(rank, dtypes), default=rank(arrays.float32))
    best = [d for d in brought if rank(d) == highest] or [d for d in dtypes if rank(d) == highest] or [arrays.float32]
    return np.result_type(*best)


_RANKS = {"b": 0, "i": 1, "u": 1, "f": 2}


def rank(dtype):
    """bool < integer < float: what a higher kind meets becomes of the higher kind."""
    return _RANKS[dtype.kind]


def check_dim(dim, ndim, name="dim", existing=False):
    """The dimension counted from the front; a 0-d tensor has the dimensions 0 and -1 for most purposes, as in PyTorch."""
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
        raise BadType(f"{name} must be an integer, got {dim!r}")
    span = ndim if existing else max(ndim, 1)
    if not -span <= dim < span:
        raise BadIndex(f"{name} must be between {-span} and {span - 1} for a tensor with {ndim} dimensions, got {dim}")
    return int(dim) % span
