"""A module's state as a dict from path to tensor, and back."""

from collections import OrderedDict, namedtuple

import numpy as np

from .. import arrays
from ..errors import BadType, Error
from ..tensor import Tensor
from .parameter import Parameter


class StateDictError(Error, RuntimeError):
    """A state_dict does not fit the module that it is loaded into; the message lists every misfit."""


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict(strict=False)` found to differ: paths only the module has, and paths only the dict has."""

    __slots__ = ()

    def __repr__(self):
        return super().__repr__() if any(self) else "<All keys matched successfully>"


def collect(module, destination, prefix, keep_vars):
    """The state of a module and everything below it; see `Module.state_dict`."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = {}         # says, as in PyTorch, that this is complete: see _may_be_absent
    for path, _, _, tensor in _slots(module, prefix):
        destination[path] = tensor if keep_vars else tensor.detach()
    return destination


def _slots(module, prefix=""):
    """Yield (path, register, name, tensor) for each parameter and persistent buffer, shared ones at each of their paths."""
    for register, left_out in ((module._parameters, ()), (module._buffers, module._non_persistent_buffers_set)):
        for name, tensor in register.items():
            if tensor is not None and name not in left_out:
                yield prefix + name, register, name, tensor
    for name, child in module._modules.items():
        if child is not None:
            yield from _slots(child, f"{prefix}{name}.")


def load(module, state_dict, strict, assign):
    """Copy a state into a module; see `Module.load_state_dict`."""
    if not hasattr(state_dict, "items"):
        raise BadType(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    slots = {path: (register, name, tensor) for path, register, name, tensor in _slots(module)}
    values = {path: _as_tensor(state_dict[path]) for path in slots if path in state_dict}
    missing = [path for path in slots if path not in state_dict and not _may_be_absent(path, state_dict)]
    differences = IncompatibleKeys(missing, [path for path in state_dict if path not in slots])
    misfits = [_misfit(path, value, state_dict[path], slots[path][-1]) for path, value in values.items()]
    _raise_if_any(module, differences if strict else IncompatibleKeys([], []), [line for line in misfits if line])
    for path, value in values.items():
        _put(*slots[path], value, assign)
    return differences


def _may_be_absent(path, state_dict):
    """Plain dicts may lack the counts of batches: checkpoints are older than these counts."""
    return path.rpartition(".")[2] == "num_batches_tracked" and not hasattr(state_dict, "_metadata")


def _as_tensor(value):
    """A Tensor of anything that is, or can give, an array (also another framework's CPU tensor); None of what cannot."""
    if isinstance(value, Tensor):
        return value.detach()
    if arrays.is_array(value):
        return Tensor(value)
    return Tensor(np.asarray(value)) if hasattr(value, "__array__") else None


def _misfit(path, value, given, tensor):
    """One line that says why a value cannot be loaded, or None."""
    if value is None:
        return f'While copying the parameter named "{path}", expected a Tensor or an array, got {type(given)}'
    if value.shape != tensor.shape:
        return (f"size mismatch for {path}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}.")
    return None


def _raise_if_any(module, differences, misfits):
    lines = [f"{kind} key(s) in state_dict: {_quoted(paths)}."
             for kind, paths in zip(("Missing", "Unexpected"), differences) if paths]
    if lines or misfits:
        raise StateDictError("\n\t".join([f"Error(s) in loading state_dict for {module._get_name()}:", *lines, *misfits]))


def _quoted(paths):
    return ", ".join(f'"{path}"' for path in paths)


def _put(register, name, tensor, value, assign):
    """Copy a value into a tensor of the module; or, to assign, put it in that tensor's place."""
    if not assign:
        tensor.array[...] = arrays.to_device(value.array, tensor.device)
        tensor.bump_version()
    elif isinstance(tensor, Parameter):
        register[name] = Parameter(value, requires_grad=tensor.requires_grad)
    else:
        register[name] = value
