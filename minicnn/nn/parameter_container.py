"""Parameters in a list or under names. Tensors put in become parameters; anything else is kept as it is."""

from ..errors import BadType, GraphError
from ..tensor import Tensor
from .container import check_iterable, check_pair, position_in
from .module import Module
from .parameter import Parameter

_TENSOR_TYPES = {"float32": "torch.FloatTensor", "float64": "torch.DoubleTensor"}


def _as_entry(value):
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _describe(value, kind):
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    size = "x".join(str(n) for n in value.shape)
    return f"Parameter containing: [{kind(value)} of size {size}{' (GPU 0)' if value.is_cuda else ''}]"


class _ParameterContainer(Module):
    def forward(self, *args, **kwargs):
        raise GraphError(f"{self._get_name()} should not be called: it only holds parameters; use them in a module's forward")

    def _lines(self, pairs, kind):
        return "\n".join(f"  ({key}): {_describe(value, kind)}" for key, value in pairs)


class ParameterList(_ParameterContainer):
    """A list of parameters that are registered under the names "0", "1", ..."""

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self):
        return self._size

    def __iter__(self):
        return (getattr(self, str(i)) for i in range(len(self)))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, str(position_in(self, index)))

    def __setitem__(self, index, value):
        setattr(self, str(position_in(self, index)), _as_entry(value))

    def append(self, value):
        """Add a value at the end. Returns the list."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values):
        """Add several values at the end. Returns the list."""
        check_iterable(self, "extend", values, refused=Tensor)
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values):
        return self.extend(values)

    def extra_repr(self):
        return self._lines(enumerate(self), lambda value: f"torch.{value.dtype}")


class ParameterDict(_ParameterContainer):
    """Parameters under names of one's own, in the order in which they were put in."""

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key):
        return getattr(self, _checked_key(key))

    def __setitem__(self, key, value):
        setattr(self, _checked_key(key), _as_entry(value))
        self._keys[key] = None

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, key)

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(self._keys)

    def __contains__(self, key):
        return key in self._keys

    def keys(self):
        return self._keys.keys()

    def values(self):
        return (self[key] for key in self._keys)

    def items(self):
        return ((key, self[key]) for key in self._keys)

    def get(self, key, default=None):
        """The value under a key, or the default."""
        return self[key] if key in self else default

    def setdefault(self, key, default=None):
        """The value under a key; where there is none, the default is put there first."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key):
        """Take out a value and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Take out the pair that came last and return it."""
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self):
        """Take out everything."""
        for key in list(self._keys):
            del self[key]

    def copy(self):
        """Another ParameterDict with the same parameters in it."""
        return ParameterDict(self)

    def fromkeys(self, keys, default=None):
        """A new ParameterDict with one value under each of some keys."""
        return ParameterDict((key, default) for key in keys)

    def update(self, parameters):
        """Put in the values of a dict, a ParameterDict, or an iterable of (key, value)."""
        check_iterable(self, "update", parameters, "an iterable of key/value pairs")
        for position, pair in enumerate(parameters.items() if hasattr(parameters, "items") else parameters):
            key, value = check_pair(self, position, pair)
            self[key] = value

    def __or__(self, other):
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other):
        both = ParameterDict(other)
        both.update(self)
        return both

    def __ior__(self, other):
        self.update(other)
        return self

    def extra_repr(self):
        return self._lines(self.items(), lambda value: _TENSOR_TYPES.get(str(value.dtype), f"torch.{value.dtype}"))


def _checked_key(key):
    if not isinstance(key, str):
        raise BadType(f"a key of ParameterDict must be a string, got {key!r}")
    return key
