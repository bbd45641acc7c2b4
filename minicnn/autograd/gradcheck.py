"""Proof of a gradient: what backward gives, against what the function itself does when its input is moved a little.

For a random upstream gradient u, L = Σ u·f(x) is one number, and its derivative by each input element is known in two ways:
backward computes it, and (L(x+h) − L(x−h)) / 2h approaches it as h shrinks. Two draws of u are used, so that an error
in one output cannot hide behind another. The elements of an input are moved one by one, and then all together: where two
of them tie for a maximum, either may get the gradient, but not both.

Where the two ways disagree, the step h is varied before anybody is blamed. A kink (relu at 0, two equal maxima) between
x−h and x+h is left outside by a smaller step. At the kink itself there is a derivative on either side, and backward
may choose any value between them.
"""

import warnings
from functools import partial

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue, GraphError
from ..tensor import Tensor, wrap
from .backward import grad
from .mode import enable_grad
from .places import parameter_names, place, title

DRAWS = 2                                      # upstream gradients
ALL = ...                                      # the "index" that moves every element of an input at once
STEPS = (1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3, 1e-4)   # times eps: the steps that are tried where the first one disagrees


class GradcheckError(GraphError):
    """A gradient is not what the finite differences of its function say."""


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True,
              check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False,
              check_backward_ad=True, fast_mode=False, masked=None):
    """True when the gradients of `func(*inputs)` agree with central differences: |backward − numeric| ≤ atol + rtol·|numeric|.

    inputs: a tensor or a tuple; float64 tensors that require gradients are checked, and moved in place meanwhile
    Raises GradcheckError (or returns False, with raise_exception=False) naming the worst element of the worst input.
    `fast_mode` changes nothing here: two random upstream gradients are as good as every output one by one.
    """
    _refuse_options(check_batched_grad or check_batched_forward_grad or check_forward_ad)
    inputs = _as_tuple(inputs)
    check = Check(func, func, inputs, parameter_names(func, len(inputs)), eps, atol, rtol)
    return _verdict(check, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes)


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, gen_non_contig_grad_outputs=False,
                  raise_exception=True, nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False,
                  check_batched_grad=False, check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False, masked=False):
    """`gradcheck` of the gradient itself, as a function of the inputs and of `grad_outputs` (random unless given).

    The first gradient is computed as training computes it; the second one differentiates its recorded form, for layer
    operations their definitions. So this also checks that the two are the same function.
    """
    _refuse_options(check_batched_grad or check_fwd_over_rev)
    inputs = _as_tuple(inputs)
    upstream = _random_upstream(func, inputs) if grad_outputs is None else _as_tuple(grad_outputs)
    first = partial(_first_gradient, func, len(inputs))
    names = parameter_names(func, len(inputs)) + [f"grad_outputs[{i}]" for i in range(len(upstream))]
    plain, recorded = partial(first, False), partial(first, True)
    check = Check(recorded, plain, inputs + upstream, names, eps, atol, rtol, f"the gradient of {title(func)}")
    return _verdict(check, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes)


def _refuse_options(asked):
    if asked:
        raise BadValue("batched and forward-mode gradients do not exist here: leave check_batched_grad and the check_forward "
                       "options at False")


def _verdict(check, raise_exception, nondet_tol, undefined, dtypes):
    try:
        check.run(nondet_tol, undefined, dtypes)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _as_tuple(inputs):
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)


def _differentiable(outputs):
    return [y for y in _as_tuple(outputs) if isinstance(y, Tensor) and y.requires_grad]


def _random_upstream(func, inputs):
    stream = np.random.default_rng(1)
    return tuple(_like(stream.standard_normal(y.shape), y).requires_grad_() for y in _differentiable(func(*inputs)))


def _first_gradient(func, count, create_graph, *args):
    with enable_grad():
        outputs = _differentiable(func(*args[:count]))
    wanted = [x for x in args[:count] if isinstance(x, Tensor) and x.requires_grad]
    found = grad(outputs, wanted, list(args[count:]), create_graph=create_graph, allow_unused=True)
    return tuple(dx for dx in found if dx is not None)


def _like(values, y):
    """NumPy's numbers as a tensor of y's dtype and device."""
    return wrap(arrays.to_device(np.asarray(values, y.dtype), y.device))


class Check:
    """One function at one place: its gradients by backward, and its finite differences.

    recorded    the function as backward sees it
    plain       the same function, to be evaluated only
    """

    def __init__(self, recorded, plain, inputs, names, eps, atol, rtol, name=None):
        self.recorded, self.plain, self.inputs, self.names = recorded, plain, inputs, names
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.name = name or title(recorded)
        self.checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        _check_inputs(inputs, self.checked)

    def run(self, nondet_tol, undefined, dtypes):
        everything = _as_tuple(self.recorded(*self.inputs))
        outputs = _differentiable(everything)
        self.compared = [isinstance(y, Tensor) and (y.requires_grad if outputs else y.is_floating_point()) for y in everything]
        stream = np.random.default_rng(0)
        shapes = [y.shape for y, compared in zip(everything, self.compared) if compared]
        self.upstream = [[stream.standard_normal(shape) for shape in shapes] for _ in range(DRAWS)]
        self.weights = np.array([np.concatenate([u.ravel() for u in draw] or [np.empty(0)]) for draw in self.upstream])
        self.center = self.values()
        self.rounding = 4e-16 * np.abs(self.weights) @ np.abs(self.center)      # how exactly L is known
        self._check_repeatable(outputs, nondet_tol)
        gradients = self._gradients(outputs, dtypes)
        if undefined and len(outputs) > 1:
            self._check_single_outputs(outputs, gradients)
        for position in self.checked:
            self.check_input(position, gradients[position])

    # By backward

    def _gradients(self, outputs, dtypes=False):
        """For each checked input, backward's gradient of every draw: (draws, *shape)."""
        found = [self._backward(outputs, draw) for draw in self.upstream]
        if dtypes:
            self._check_dtypes(found[0])
        zeros = [np.zeros(self.inputs[i].shape) for i in self.checked]
        return {i: np.stack([z if one[k] is None else arrays.to_numpy(one[k].array) for one in found])
                for k, (i, z) in enumerate(zip(self.checked, zeros))}

    def _backward(self, outputs, draw):
        xs = [self.inputs[i] for i in self.checked]
        if not outputs:
            return [None] * len(xs)
        return grad(outputs, xs, [_like(u, y) for u, y in zip(draw, outputs)], retain_graph=True, allow_unused=True)

    def _check_dtypes(self, gradients):
        for i, dx in zip(self.checked, gradients):
            if dx is not None and dx.dtype != self.inputs[i].dtype:
                raise GradcheckError(f"{self.name}: the gradient of {self.names[i]} is {dx.dtype}, the input {self.inputs[i].dtype}")

    def _check_repeatable(self, outputs, tolerance):
        if not np.array_equal(self.center, self.values(), equal_nan=True):
            raise GradcheckError(f"{self.name} gives another result when it is called again; fix what is random in it")
        first, again = (self._backward(outputs, self.upstream[0]) for _ in range(2))
        for i, dx, dx_again in zip(self.checked, first, again):
            if dx is not None and np.abs(arrays.to_numpy(dx.array - dx_again.array)).max(initial=0) > tolerance:
                raise GradcheckError(f"{self.name}: the gradient of {self.names[i]} differs when backward runs again, by more than "
                                     f"nondet_tol={tolerance}")

    def _check_single_outputs(self, outputs, gradients):
        """Going backward from each output alone must give the same in sum."""
        total = {i: 0 for i in self.checked}
        for y, u in zip(outputs, self.upstream[0]):
            for i, dx in zip(self.checked, self._backward([y], [u])):
                total[i] = total[i] if dx is None else total[i] + arrays.to_numpy(dx.array)
        for i in self.checked:
            if not np.allclose(total[i], gradients[i][0], self.rtol, self.atol):
                raise GradcheckError(f"{self.name}: the gradients of {self.names[i]} from each output alone do not add up to the one "
                                     "from all outputs together")

    # By finite differences

    def values(self):
        """All outputs that are compared, at the present inputs, as one vector."""
        outputs = [y for y, compared in zip(_as_tuple(self.plain(*self.inputs)), self.compared) if compared]
        return np.concatenate([arrays.to_numpy(y.array).astype(np.float64).ravel() for y in outputs] or [np.empty(0)])

    def moved(self, position, index, step):
        """The values with one element of an input (or with ALL of them) moved by a step."""
        array = self.inputs[position].array
        before = array.copy()
        array[index] += step
        try:
            return self.values()
        finally:
            array[...] = before

    def central(self, position, index, step):
        """(L(x+h) − L(x−h)) / 2h for every draw."""
        return self.weights @ (self.moved(position, index, step) - self.moved(position, index, -step)) / (2 * step)

    def tolerance(self, numeric):
        return self.atol + self.rtol * np.abs(numeric)

    # The comparison

    def check_input(self, position, analytic):
        """Compare every element of one input, the worst disagreement first, then all of them moved together."""
        indices = list(np.ndindex(analytic.shape[1:]))
        numeric = np.stack([self.central(position, index, self.eps) for index in indices], -1) if indices else np.empty((DRAWS, 0))
        error = np.abs(analytic.reshape(DRAWS, -1) - numeric)
        excess = np.nan_to_num(error - self.tolerance(numeric), nan=np.inf).max(0, initial=-np.inf)
        wrong = [int(i) for i in np.argsort(-excess) if excess[i] > 0]
        for i in wrong:
            self.judge(position, indices[i], analytic[(slice(None), *indices[i])], f"{len(wrong)} of {len(indices)} elements differ")
        if len(indices) > 1:
            self.judge(position, ALL, analytic.reshape(DRAWS, -1).sum(1), "every single element agrees")

    def judge(self, position, index, analytic, extent):
        """Vary the step; raise unless backward agrees at a step that can be trusted, or a kink explains the disagreement."""
        steps = [self.eps * factor for factor in STEPS]
        found = np.array([self.central(position, index, step) for step in steps])                   # (steps, draws)
        trusted = [i for i, step in enumerate(steps) if (self.rounding / step <= self.tolerance(found[i])).all()]
        agrees = (np.abs(analytic - found) <= self.tolerance(found)).all(1)
        if any(agrees[i] for i in trusted if i >= STEPS.index(1.0) or i == trusted[-1]):
            return
        if trusted and self.between_sides(position, index, analytic, steps[trusted[-1]]):
            return
        best = trusted[len(trusted) // 2] if trusted else 0
        near = found[[i for i in trusted if abs(i - best) == 1]]
        converged = len(near) and (np.abs(near - found[best]) <= self.tolerance(found[best])).all()
        raise GradcheckError(self._message(position, index, analytic, found, steps, best, converged, extent))

    def between_sides(self, position, index, analytic, step):
        """Whether x lies on a kink, and backward's value between the derivatives on its two sides, output by output."""
        (right, left), nearer = self.sides(position, index, step), self.sides(position, index, step / 10)
        noise = 1e-15 * (1 + np.abs(self.center)) / step
        gap = np.abs(right - left)
        kinked = gap > 1e-3 * (np.abs(right) + np.abs(left)) + noise
        settled = np.maximum(np.abs(nearer[0] - right), np.abs(nearer[1] - left)) <= 0.1 * gap + 20 * noise
        if not kinked.any() or not settled[kinked].all():
            return False
        slopes = [self.weights * np.where(kinked, side, (right + left) / 2) for side in (right, left)]
        low, high = np.minimum(*slopes).sum(1), np.maximum(*slopes).sum(1)
        slack = self.atol + self.rtol * np.maximum(np.abs(low), np.abs(high))
        return bool(((low - slack <= analytic) & (analytic <= high + slack)).all())

    def sides(self, position, index, step):
        """Every output's slope to the right and to the left."""
        ahead, behind = self.moved(position, index, step), self.moved(position, index, -step)
        return (ahead - self.center) / step, (self.center - behind) / step

    def _message(self, position, index, analytic, found, steps, best, converged, extent):
        draw = int(np.abs(analytic - found[best]).argmax())
        name = self.names[position]
        where = f"all elements of {name} moved together" if index is ALL else place(name, index)
        table = ", ".join(f"h={step:.0e}: {value:.8g}" for step, value in zip(steps, found[:, draw]))
        state = "has converged" if converged else "has NOT converged: the function may not be smooth here, or its values too large"
        return (f"{self.name}: the gradient of input {position} ({name}) is wrong at {where}: backward gives {analytic[draw]:.8g}, "
                f"finite differences {found[best, draw]:.8g} ({extent}). The finite difference {state} ({table}).")


def _check_inputs(inputs, checked):
    if not checked:
        raise BadValue("gradcheck needs at least one input that requires a gradient")
    for i in checked:
        x = inputs[i]
        if x.dtype != arrays.float64:
            warnings.warn(f"input {i} requires a gradient and is {x.dtype}: finite differences need float64, or the check will "
                          "likely fail", stacklevel=4)
        if x.array.size and any(step == 0 and n > 1 for step, n in zip(x.array.strides, x.array.shape)):
            raise BadType(f"input {i} has elements that share memory (an expanded tensor): gradcheck cannot move them one by one; "
                          "pass a clone()")
