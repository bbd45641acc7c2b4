"""The base class of every layer and network: what it is made of, how it is called, how its parts are found by name."""

from ..errors import BadType, BadValue, Error
from ..tensor import Tensor
from . import convert, hooks, state
from .naming import add_path, check_initialised, check_name, part, qualified
from .parameter import Buffer, Parameter


class Module:
    """A piece of a network with parameters of its own, like `torch.nn.Module`.

    Subclasses call `super().__init__()`, assign their parts as attributes, and define `forward`:

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 8, 3)      # found by parameters(), state_dict(), to(), train(), repr()

            def forward(self, x):
                return self.conv(x).relu()

    A Parameter, a Module and a buffer are registered by assigning them; whatever else is assigned is a plain attribute.
    """

    _hooks = None

    def __init__(self):
        set_plainly = super().__setattr__
        set_plainly("training", True)
        set_plainly("_parameters", {})
        set_plainly("_buffers", {})
        set_plainly("_non_persistent_buffers_set", set())
        set_plainly("_modules", {})

    # calling ------------------------------------------------------------------------------------------------------

    def forward(self, *args, **kwargs):
        """What the module computes; every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        """Run `forward` and the hooks. An error raised inside names the layer that raised it by its path in here."""
        try:
            if self._hooks is None:
                return self.forward(*args, **kwargs)
            return hooks.call(self, args, kwargs)
        except Error as error:
            add_path(error, self)
            raise

    # the parts, as attributes --------------------------------------------------------------------------------------

    def __setattr__(self, name, value):
        new, old = _register_of(value), self._registered(name)
        if new is None and old is None:
            super().__setattr__(name, value)
        elif new is None or (old is not None and _RANK[old] < _RANK[new]):
            self._replace(old, name, value)
        else:
            self._adopt(new, name, value)

    def _registered(self, name):
        """In which register a name stands now, or None."""
        own = self.__dict__
        for register in _KINDS:
            if register in own and name in own[register]:
                return register
        return None

    def _replace(self, register, name, value):
        """Give a registered name None in place of its part (or any tensor in place of a buffer)."""
        what, accepted = _KINDS[register]
        if not (value is None or (register == "_buffers" and isinstance(value, Tensor))):
            hint = "; to change its values, write to .data" if register == "_parameters" else ""
            raise BadType(f"cannot assign '{type(value).__name__}' as {what} '{name}' "
                          f"({accepted.__name__} or None expected{hint})")
        self.__dict__[register][name] = value

    def _adopt(self, register, name, value):
        """Register a part under a name, which leaves wherever else it stood."""
        check_initialised(self, register, name)
        for other in (self.__dict__, *(self.__dict__[kind] for kind in _KINDS if kind != register)):
            other.pop(name, None)
        if register == "_parameters":
            self.register_parameter(name, value)
        elif register == "_buffers":
            self.register_buffer(name, value, value.persistent)
        else:
            self._modules[name] = value

    def __getattr__(self, name):
        own = self.__dict__
        for register in _KINDS:
            parts = own.get(register)
            if parts is not None and name in parts:
                return parts[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        register = self._registered(name)
        if register is None:
            super().__delattr__(name)
        else:
            del self.__dict__[register][name]
            self._non_persistent_buffers_set.discard(name)

    def __dir__(self):
        names = {*super().__dir__(), *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[:1].isdigit())

    def register_parameter(self, name, param):
        """Add a parameter (or None, for one that this configuration does not have) under a name."""
        check_name(self, "_parameters", "parameter", name)
        if not (param is None or isinstance(param, Parameter)):
            raise BadType(f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                          "(Parameter or None required; wrap a tensor as nn.Parameter(tensor))")
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that is state but not trained, such as a running mean; it moves with the module.

        `persistent=False` keeps it out of the state_dict.
        """
        check_name(self, "_buffers", "buffer", name)
        if not (tensor is None or isinstance(tensor, Tensor)):
            raise BadType(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)")
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name, module):
        """Add a child under a name; `self.name` finds it."""
        if not (module is None or isinstance(module, Module)):
            raise BadType(f"{_type_of(module)} is not a Module subclass")
        check_name(self, "_modules", "module", name)
        self._modules[name] = module

    register_module = add_module

    # walking over the parts ----------------------------------------------------------------------------------------

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Yield (path, module) for this module (path `prefix`) and everything below it, each module once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, qualified(prefix, name), remove_duplicate)

    def modules(self, remove_duplicate=True):
        """Yield this module and everything below it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self):
        """Yield (name, module) for the modules directly below, each once."""
        seen = {None}
        for name, module in self._modules.items():
            if module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """Yield the modules directly below."""
        for _, module in self.named_children():
            yield module

    def _named_members(self, kind, prefix, recurse, remove_duplicate):
        """Yield (path, tensor) from one register of this module and of those below; a shared tensor only once."""
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, tensor in getattr(module, kind).items():
                if tensor is None or id(tensor) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(tensor))
                yield qualified(path, name), tensor

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Yield (path, parameter), in the order of registration; a shared parameter once, by its first path."""
        yield from self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """Yield the parameters of this module and of those below: what an optimizer is given."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Yield (path, buffer)."""
        yield from self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """Yield the buffers of this module and of those below."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target):
        """The module at a path like "features.4"; "" is this one. Raises AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else ():
            module = part(module, name, Module, "an nn.Module")
        return module

    def get_parameter(self, target):
        """The parameter at a path like "features.4.weight"."""
        path, _, name = target.rpartition(".")
        return part(self.get_submodule(path), name, Parameter, "an nn.Parameter")

    def get_buffer(self, target):
        """The buffer at a path like "bn1.running_mean"."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = part(module, name, Tensor, "a buffer")
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    # state ---------------------------------------------------------------------------------------------------------

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """An OrderedDict from path to tensor: every parameter and persistent buffer, sharing memory with the module.

        The tensors are detached, unless `keep_vars`.
        """
        return state.collect(self, destination, prefix, keep_vars)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy values (tensors or NumPy arrays) by path into parameters and buffers.

        With `strict`, the paths must be exactly those of `state_dict()`; else what differs is returned as
        (missing_keys, unexpected_keys). `assign=True` puts the given tensors in place of the module's own. Raises one
        RuntimeError that lists everything missing, unexpected and of another shape; then nothing has been copied.
        """
        return state.load(self, state_dict, strict, assign)

    def _apply(self, fn, recurse=True):
        """Put fn(tensor) in place of every parameter's data, its gradient, and every buffer."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        convert.apply_to_tensors(self, fn)
        return self

    def to(self, *args, **kwargs):
        """`to(device)`, `to(dtype)`, `to(device, dtype)` or `to(tensor)`; a dtype changes floating tensors only."""
        return self._apply(convert.conversion(*args, **kwargs))

    def cuda(self, device=None):
        """Move everything to the GPU."""
        return self.to("cuda" if device is None or isinstance(device, int) else device)

    def cpu(self):
        """Move everything to the computer's own memory."""
        return self.to("cpu")

    def float(self):
        """Turn floating parameters and buffers into float32."""
        return self.to("float32")

    def double(self):
        """Turn floating parameters and buffers into float64."""
        return self.to("float64")

    def train(self, mode=True):
        """Set training mode (dropout drops, batch norm uses the batch's statistics) here and below."""
        if not isinstance(mode, bool):
            raise BadValue(f"training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Set evaluation mode here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Say whether all parameters are trained; False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget all parameters' gradients (or fill them with zeros)."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach().zero_()

    def apply(self, fn):
        """Call fn(module) on everything below, then on this module; for initialisation. Returns the module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # hooks ---------------------------------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """hook(module, args) runs before `forward` and may return other args; `with_kwargs`: hook(module, args, kwargs)
        may return (args, kwargs)."""
        return hooks.register(self, "forward_pre", hook, prepend, with_kwargs)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """hook(module, args, output) runs after `forward` and may return another output; `with_kwargs`: hook(module,
        args, kwargs, output); `always_call`: also when `forward` raised."""
        return hooks.register(self, "forward", hook, prepend, with_kwargs, always_call)

    def register_full_backward_hook(self, hook, prepend=False):
        """hook(module, grad_input, grad_output) sees the gradients (tuples) of the positional inputs and of the outputs, and
        may return another grad_input."""
        return hooks.register(self, "backward", hook, prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """hook(module, grad_output) runs before the module's backward and may return another grad_output."""
        return hooks.register(self, "backward_pre", hook, prepend)

    # printing ------------------------------------------------------------------------------------------------------

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands between the parentheses when the module is printed."""
        return ""

    def __repr__(self):
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [_indented(f"({name}): {module!r}") for name, module in self._modules.items()]
        if not children and len(extra) <= 1:
            return f"{self._get_name()}({''.join(extra)})"
        return "\n  ".join([f"{self._get_name()}(", *extra, *children]) + "\n)"


# The registers in the order in which a name is looked up; a part may take over a name from its own kind or a later one.
_KINDS = {"_parameters": ("parameter", Parameter), "_modules": ("child module", Module), "_buffers": ("buffer", Tensor)}
_RANK = {register: rank for rank, register in enumerate(_KINDS)}


def _register_of(value):
    """The register that a value belongs to by its type, or None for a plain attribute."""
    if isinstance(value, Tensor):
        return "_parameters" if isinstance(value, Parameter) else "_buffers" if isinstance(value, Buffer) else None
    return "_modules" if isinstance(value, Module) else None


def _indented(text):
    return text.replace("\n", "\n  ")


def _type_of(value):
    return value.__name__ if isinstance(value, type) else type(value).__name__
