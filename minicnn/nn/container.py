"""Modules that hold other modules or parameters: in a row, in a list, under names."""

from collections import OrderedDict
from operator import index as as_integer

from ..errors import BadIndex, BadType, BadValue
from .module import Module
from .pairs import steps


class _Numbered(Module):
    """Children under the names "0", "1", ...: what Sequential and ModuleList share."""

    def _key(self, index):
        return list(self._modules)[position_in(self, index)]

    def _renumber(self, modules):
        self._modules = dict(_numbered(modules))

    def __setitem__(self, index, module):
        setattr(self, self._key(index), module)

    def __delitem__(self, index):
        keys = list(self._modules)
        for key in keys[index] if isinstance(index, slice) else [self._key(index)]:
            del self._modules[key]
        self._renumber(list(self._modules.values()))

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def append(self, module):
        """Add a module at the end. Returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Add several modules at the end. Returns the container."""
        check_iterable(self, "extend", modules)
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index, module):
        """Add a module before the one at an index."""
        if not isinstance(module, Module):
            raise BadType(f"module should be of type: {Module}, got {type(module).__name__}")
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._renumber(modules)

    def pop(self, index):
        """Take out a module and return it."""
        module = self[index]
        del self[index]
        return module

    def __iadd__(self, modules):
        return self.extend(modules)


def _numbered(modules):
    return ((str(number), module) for number, module in enumerate(modules))


class Sequential(_Numbered):
    """Runs its modules one after the other: `Sequential(conv, relu)` or `Sequential(OrderedDict(conv=..., relu=...))`."""

    def __init__(self, *args):
        super().__init__()
        named = len(args) == 1 and isinstance(args[0], OrderedDict)
        for name, module in args[0].items() if named else _numbered(args):
            self.add_module(name, module)

    def forward(self, input):
        for step in steps(self._modules.values()):
            input = step(input)
        return input

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def insert(self, index, module):
        """Add a module before the one at an index. Returns the container."""
        if not -len(self) <= as_integer(index) <= len(self):
            raise BadIndex(f"Index out of range: {index}")
        super().insert(index, module)
        return self

    def __add__(self, other):
        _check_same_kind("add", other)
        return Sequential(*self, *other)

    def __iadd__(self, other):
        _check_same_kind("add", other)
        return self.extend(other)

    def __mul__(self, times):
        return Sequential(*list(self) * _check_times(times))

    __rmul__ = __mul__

    def __imul__(self, times):
        return self.extend(list(self) * (_check_times(times) - 1))


def _check_same_kind(what, other):
    if not isinstance(other, Sequential):
        raise BadValue(f"{what} operator supports only objects of Sequential class, but {type(other)} is given.")


def _check_times(times):
    if not isinstance(times, int):
        raise BadType(f"unsupported operand type(s) for *: {Sequential} and {type(times)}")
    if times <= 0:
        raise BadValue(f"Non-positive multiplication factor {times} for {Sequential}")
    return times


class ModuleList(_Numbered):
    """A list of modules that their owner calls as it likes; they are registered, as in a plain list they would not be."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(list(self._modules.values())[index])
        return self._modules[self._key(index)]

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __repr__(self):
        """Runs of equal children are printed once, with their number."""
        lines = [f"  ({name}): {text}".replace("\n", "\n  ") for name, text in _runs([repr(module) for module in self])]
        return "\n".join([f"{self._get_name()}(", *lines, ")"]) if lines else f"{self._get_name()}()"


def _runs(texts):
    """Yield (positions, text), as ("0-2", "3 x ReLU()"), for each run of equal texts."""
    start = 0
    for end in range(1, len(texts) + 1):
        if end == len(texts) or texts[end] != texts[start]:
            count = end - start
            yield (str(start), texts[start]) if count == 1 else (f"{start}-{end - 1}", f"{count} x {texts[start]}")
            start = end


class ModuleDict(Module):
    """Modules under names, in the order in which they were put in; they are registered, as in a plain dict they would not be."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        """Take out all modules."""
        self._modules.clear()

    def pop(self, key):
        """Take out a module and return it."""
        return self._modules.pop(key)

    def keys(self):
        return self._modules.keys()

    def items(self):
        return self._modules.items()

    def values(self):
        return self._modules.values()

    def update(self, modules):
        """Put in the modules of a dict, a ModuleDict, or an iterable of (name, module)."""
        check_iterable(self, "update", modules, "an iterable of key/value pairs")
        for position, pair in enumerate(modules.items() if hasattr(modules, "items") else modules):
            name, module = check_pair(self, position, pair)
            self[name] = module


def position_in(container, index):
    """An index counted from the front. Raises TypeError for what is no integer, IndexError for what is outside."""
    position, size = as_integer(index), len(container)
    if not -size <= position < size:
        raise BadIndex(f"index {position} is out of range for a {container._get_name()} of length {size}")
    return position % size


def check_pair(container, position, pair):
    """The pair, if it is one."""
    where = f"{container._get_name()} update sequence element #{position}"
    if not isinstance(pair, (tuple, list)):
        raise BadType(f"{where} should be a pair of key and value, is {type(pair).__name__}")
    if len(pair) != 2:
        raise BadValue(f"{where} has length {len(pair)}; 2 is required")
    return pair


def check_iterable(container, method, values, what="an iterable", refused=()):
    """Raises TypeError for values that cannot be gone through one by one."""
    if not hasattr(values, "__iter__") or isinstance(values, refused):
        raise BadType(f"{container._get_name()}.{method} should be called with {what}, but got {type(values).__name__}")
