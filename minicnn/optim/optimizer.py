"""The base of every optimizer: parameters in groups with their options, a state for each parameter, saving and loading."""

from collections import defaultdict
from collections.abc import Iterable
from copy import deepcopy

import numpy as np

from .. import arrays
from ..autograd.mode import enable_grad
from ..errors import BadType, BadValue, DeviceError
from ..tensor import Tensor
from .groups import prepare_group
from .hooks import Hooks, with_step_hooks
from .hyperparameters import scalar
from .together import move_together


class Optimizer(Hooks):
    """Moves parameters by their gradients.

    params    tensors, (name, tensor) pairs, or dicts {"params": tensors, option: value, ...}, each with options of its own
    defaults  the options of groups that do not say otherwise

    A subclass says what its options may be (`allowed`), which of them its rule takes (`rule_options`), and how one
    parameter moves (`update`). `state[p]` holds what it remembers of a parameter, as Tensors.

    Where there is a compiled kernel that moves many parameters at once, it says more: the kernel's name, the names of the arrays in
    `state[p]` that it takes (`kept`), whether steps are counted, and the kernel's `numbers` in step t. See together.py.
    """

    allowed = {}
    rule_options = ()
    kernel, counts_steps = None, False

    def __init__(self, params, defaults):
        super().__init__()
        self.check_options(defaults)
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        for group in _as_groups(params):
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = with_step_hooks(cls.step)
        if {"update", "options"} & set(vars(cls)) and "kernel" not in vars(cls):
            cls.kernel = None                   # it was the kernel of another rule

    def check_options(self, options):
        """Refuse options that the algorithm cannot work with."""
        for name, check in self.allowed.items():
            check(name, options[name])
        if options.get("foreach") and options.get("fused"):
            raise BadValue("foreach=True and fused=True cannot be asked for together")
        if options.get("differentiable"):
            raise BadValue("differentiable=True is not supported: updates are in place, outside the graph")

    def add_param_group(self, param_group):
        """Take in another group: a dict with "params" and, where they differ from the defaults, options."""
        group = prepare_group(param_group, self.defaults, self.param_groups)
        self.check_options(group)
        self.param_groups.append(group)

    # Moving the parameters

    @with_step_hooks
    def step(self, closure=None):
        """Move every parameter that has a gradient, in place. Returns the loss of `closure()`, if one is given."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for number, group in enumerate(self.param_groups):
            params = [p for p in group["params"] if p._grad is not None]
            for p in move_together(self, number, group, params) if self.kernel else params:
                self._move(p, group)
        return loss

    @np.errstate(all="ignore")                  # infinities go their way without a word, as on the GPU
    def _move(self, p, group):
        check_device(p, self.state[p])
        self.update(p.array, p.grad.array, self.state[p], group)
        p.bump_version()

    def update(self, p, g, state, group):
        """Move one parameter's array `p` in place by its gradient's array `g`."""
        raise NotImplementedError(f"{type(self).__name__} must define update() or step()")

    def options(self, group):
        """What the update rule takes from a group, as plain numbers."""
        return {name: scalar(group[name]) for name in self.rule_options}

    def zero_grad(self, set_to_none=True):
        """Forget all gradients; or, with `set_to_none=False`, fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad.detach_().zero_()

    # Saving and loading

    def state_dict(self):
        """{"state": {number: what is remembered}, "param_groups": [options, "params": [number, ...]]}.

        Parameters are counted through all groups. The tensors in it are the optimizer's own: deep-copy it to keep it.
        """
        self._run_hooks("before state_dict")
        number = self._numbers()
        state = {number[id(p)] if isinstance(p, Tensor) else p: kept for p, kept in self.state.items() if kept != {}}
        groups = [{**group, "params": [number[id(p)] for p in group["params"]]} for group in self.param_groups]
        return self._run_hooks("after state_dict", {"state": state, "param_groups": groups})

    def _numbers(self):
        numbers = {}
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
        return numbers

    def load_state_dict(self, state_dict):
        """Go on where another optimizer of the same shape stood. Copies; tensors take their parameter's dtype and device."""
        if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= set(state_dict):
            raise BadValue("an optimizer's state_dict is a dict with the keys 'state' and 'param_groups'")
        state_dict = self._run_hooks("before load_state_dict", dict(state_dict))
        saved = deepcopy(state_dict["param_groups"])
        numbers = self._match(saved)
        self.state = defaultdict(dict)
        for key, kept in state_dict["state"].items():
            p = numbers.get(key)
            self.state[key if p is None else p] = deepcopy(kept) if p is None else _restored(kept, p)
        self.param_groups = [self._loaded_group(new, old) for new, old in zip(saved, self.param_groups)]
        self._run_hooks("after load_state_dict")

    def _match(self, saved):
        """The parameter for each number in the saved groups."""
        here, there = ([len(group["params"]) for group in groups] for groups in (self.param_groups, saved))
        if here != there:
            raise BadValue(f"the state_dict has groups of {there} parameters; this optimizer has groups of {here}")
        pairs = [zip(new["params"], old["params"]) for new, old in zip(saved, self.param_groups)]
        return {number: p for group in pairs for number, p in group}

    def _loaded_group(self, saved, current):
        kept = {key: current[key] for key in ("params", "param_names") if key in current}
        return {**self.defaults, **kept, **saved, "params": current["params"]}

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        Hooks.__init__(self)
        self.__dict__.update(state)

    def __repr__(self):
        groups = [f"Parameter Group {number}\n{_options_text(group)}" for number, group in enumerate(self.param_groups)]
        return f"{type(self).__name__} (\n" + "\n".join(groups) + ")"


def _options_text(group):
    return "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")


def _as_groups(params):
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise BadType(f"params must be an iterable of tensors or of dicts, got {type(params).__name__}")
    params = list(params)
    if not params:
        raise BadValue("there are no parameters to optimize: params is empty (was model.parameters() already used up?)")
    return params if isinstance(params[0], dict) else [{"params": params}]


def check_device(p, state):
    """Refuse a gradient and what is remembered of a parameter where it has been moved to another device since."""
    for name, kept in (("grad", p.grad), *state.items()):
        if isinstance(kept, Tensor) and name not in COUNTERS and kept.is_cuda is not p.is_cuda:
            raise DeviceError(f"the optimizer's {name} of a parameter is on {kept.device}, but the parameter is on {p.device}; move the "
                              "model before the optimizer's first step, or load the optimizer's state_dict() after moving it")


def _restored(value, p, name=None):
    """A copy of a saved value for parameter p: arrays in p's dtype and on its device, except what only counts steps."""
    if isinstance(value, dict):
        return {key: _restored(item, p, key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_restored(item, p) for item in value)
    if not hasattr(value, "__array__"):
        return deepcopy(value)
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    if name in COUNTERS:
        return Tensor(array.copy())
    return Tensor(arrays.to_device(array, p.device).astype(p.dtype))


COUNTERS = ("step", "mu_product")       # 0-d, and on the CPU wherever the parameter is
