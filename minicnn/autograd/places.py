"""Names for messages: what a function calls its inputs, and which axis is which (n, c, h, w)."""

import inspect

_IMAGE = {1: "c", 2: "n c", 3: "n c l", 4: "n c h w"}
_WEIGHT = {1: "c", 2: "o i", 3: "o i k", 4: "o i kh kw"}
_AXES = {"w": _WEIGHT, "weight": _WEIGHT, "b": {1: "o"}, "bias": {1: "o"}}


def place(name, index):
    """An element of an input by its named axes: `w[o=3, i=0, kh=2, kw=1]`."""
    if not index:
        return name
    axes = _AXES.get(name, _IMAGE).get(len(index), "").split()
    items = [f"{axis}={i}" for axis, i in zip(axes, index)] if axes else map(str, index)
    return f"{name}[{', '.join(items)}]"


def title(function):
    """What to call a function in a message."""
    if hasattr(getattr(function, "__self__", None), "setup_context"):       # autograd.Function.apply
        return function.__self__.__name__
    return getattr(function, "name", None) or getattr(function, "__qualname__", None) or type(function).__name__


def parameter_names(function, count):
    """The function's own names for its first `count` inputs."""
    names = getattr(function, "input_names", None) or _signature_names(function)
    return [names[i] if i < len(names) else f"inputs[{i}]" for i in range(count)]


def _signature_names(function):
    owner = getattr(function, "__self__", None)
    if hasattr(owner, "setup_context"):                         # autograd.Function.apply
        names = _positional(owner.forward)
        return names if owner.setup_context else names[1:]
    return _positional(getattr(function, "forward", function))


def _positional(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
