"""Names of a module's parts: which are allowed, how paths are made, and how an error learns where it happened."""

from ..errors import BadType


def qualified(prefix, name):
    """`name` below the path `prefix`: "features" and "0" make "features.0"."""
    return f"{prefix}.{name}" if prefix else name


def check_initialised(module, register, name):
    """Raises AttributeError when a part is assigned before `Module.__init__` has made room for parts."""
    if register not in module.__dict__:
        kind = {"_parameters": "parameters", "_buffers": "buffer", "_modules": "module"}[register]
        raise AttributeError(f"cannot assign {kind} before Module.__init__() call: begin __init__ with "
                             f"super().__init__(), then assign self.{name}")


def check_name(module, register, what, name):
    """Refuse a name under which a part could not be found again. Raises TypeError or KeyError, as PyTorch does."""
    check_initialised(module, register, name)
    if not isinstance(name, str):
        raise BadType(f"{what} name should be a string. Got {type(name).__name__}")
    if "." in name:
        raise KeyError(f'{what} name can\'t contain ".", got: {name}')
    if name == "":
        raise KeyError(f'{what} name can\'t be empty string ""')
    if hasattr(module, name) and name not in module.__dict__[register]:
        raise KeyError(f"attribute '{name}' already exists")


def part(module, name, kind, what):
    """The attribute `name` of a module, which must be of a kind. Raises AttributeError."""
    if not hasattr(module, name):
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    found = getattr(module, name)
    if not isinstance(found, kind):
        raise AttributeError(f"`{name}` is not {what}")
    return found


def add_path(error, module):
    """Put the path of the layer that raised, as seen from `module`, before the error's message.

    An error passes every module that it rises through, from the inside out. The innermost signs it; each further one
    replaces the path by its own longer one, so that the outermost has the last word: "features.4 (Conv2d): expected ...".
    """
    if not hasattr(error, "layer"):
        error.layer, error.plain_message = module, str(error)
        return
    for path, candidate in module.named_modules():
        if candidate is error.layer and path:
            error.args = (f"{path} ({candidate._get_name()}): {error.plain_message}",)
            return
