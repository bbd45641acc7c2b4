"""Parameter groups: what may be optimized, and under which options."""

import warnings
from collections.abc import Iterable

from ..errors import BadType, BadValue
from ..tensor import Tensor


def prepare_group(group, defaults, others):
    """A group ready for use: a list of leaf tensors that no other group has, and a value for every option.

    The dict itself is completed and returned, so that who holds it sees the group's options change.
    """
    if not isinstance(group, dict):
        raise BadType(f"a parameter group must be a dict, got {type(group).__name__}")
    if "params" not in group:
        raise BadValue(f"a parameter group needs the key 'params', got {sorted(map(str, group))}")
    names, group["params"] = _names_and_tensors(group["params"])
    if names:
        group["param_names"] = names
    for p in group["params"]:
        _check_parameter(p)
    _check_against(group, others)
    for name, default in defaults.items():
        group.setdefault(name, default)
    return group


def _names_and_tensors(params):
    if isinstance(params, set):
        raise BadType("parameters must come in a fixed order, which a set does not have; pass a list")
    if isinstance(params, Tensor):
        params = [params]
    elif not isinstance(params, Iterable):
        raise BadType(f"'params' of a group must be a tensor or an iterable of tensors, got {type(params).__name__}")
    params = list(params)
    names = [p[0] for p in params if isinstance(p, tuple)]
    if names and len(names) != len(params):
        raise BadValue(f"{len(names)} of {len(params)} parameters have names; name all of them or none")
    return names, [p[1] if isinstance(p, tuple) else p for p in params]


def _check_parameter(p):
    if not isinstance(p, Tensor):
        raise BadType(f"only tensors can be optimized, got {type(p).__name__}")
    if not p.is_leaf:
        raise BadValue(f"a computed tensor (shape {tuple(p.shape)}) cannot be optimized: its next value would be computed "
                       "anew; optimize the leaves it is computed from")


def _check_against(group, others):
    ids = [id(p) for p in group["params"]]
    if len(set(ids)) != len(ids):
        warnings.warn("a parameter is twice in one group: it will be moved twice in each step", UserWarning, stacklevel=5)
    for other in others:
        if not set(ids).isdisjoint(map(id, other["params"])):
            raise BadValue("a parameter appears in more than one group")
        if ("param_names" in other) != ("param_names" in group):
            raise BadValue("either all parameter groups have names or none has")
