"""Laws that a gradient must keep: checks that need no definition and no finite differences, only a pencil.

Each takes a function of one tensor and an array to try it at, and raises GradcheckError where the law is broken.
"""

import numpy as np

from ..autograd.backward import grad
from ..autograd.gradcheck import GradcheckError
from ..tensor import Tensor


def value_and_dx(f, x, dy=None):
    """y = f(x), dx and the dy that it comes from (random unless given), as arrays."""
    leaf = Tensor(x.copy(), requires_grad=True)
    y = f(leaf)
    dy = np.random.default_rng(0).standard_normal(y.shape) if dy is None else dy
    dx, = grad(y, leaf, Tensor(dy), materialize_grads=True)
    return y.detach().array, dx.array, dy


def must_agree(found, expected, message):
    """Raise unless two arrays or numbers agree to 1e-9 of the larger one's scale; NaN agrees with nothing."""
    scale = max(np.abs(found).max(initial=1), np.abs(expected).max(initial=1))
    if not np.all(np.abs(found - expected) <= 1e-9 * scale):
        raise GradcheckError(message)


# Sums --------------------------------------------------------------------------------------------------------------------


def gradient_is_handed_on(f, x):
    """Σ dx = Σ dy in each plane: where y takes its values from x, nothing is lost and nothing given twice."""
    _, dx, dy = value_and_dx(f, x)
    planes = tuple(range(2, x.ndim))
    must_agree(dx.sum(planes), dy.sum(planes), "Σ dx is not Σ dy: part of the gradient is lost, or paid out more than once")


def transposed_gives_dx(f, x):
    """⟨f(x), dy⟩ = ⟨x, dx⟩ for an f that is linear (a constant f(0), such as a bias, is taken away first)."""
    y, dx, dy = value_and_dx(f, x)
    nothing, _, _ = value_and_dx(f, x * 0, dy)
    must_agree(((y - nothing) * dy).sum(), (x * dx).sum(), "⟨f(x), dy⟩ is not ⟨x, dx⟩: backward is not the transpose of forward")


def are_transposes(f, g, x):
    """⟨f(x), y⟩ = ⟨x, g(y)⟩ for linear f and g: convolution and transposed convolution with one kernel (f(0) is taken away)."""
    y = value_and_dx(f, x)[0] - value_and_dx(f, x * 0)[0]
    other = np.random.default_rng(0).standard_normal(y.shape)
    must_agree((y * other).sum(), (x * value_and_dx(g, other)[0]).sum(), "⟨f(x), y⟩ is not ⟨x, g(y)⟩: the two are not transposes")


# Independence ------------------------------------------------------------------------------------------------------------


def examples_are_independent(f, x):
    """y[0] and dx[0] do not change when the other examples of the batch do."""
    other = x.copy()
    other[1:] = x[1:][::-1] + 1
    (y, dx, _), (y2, dx2, _) = value_and_dx(f, x), value_and_dx(f, other)
    must_agree(y[:1], y2[:1], "the result of an example depends on the other examples in its batch")
    must_agree(dx[:1], dx2[:1], "the gradient of an example depends on the other examples in its batch")


def elements_are_independent(f, x):
    """One element of y, and of dx, does not change when the other elements of x do."""
    other = x.copy()
    other.reshape(-1)[1:] += 1
    (y, dx, _), (y2, dx2, _) = value_and_dx(f, x), value_and_dx(f, other)
    must_agree(y.ravel()[:1], y2.ravel()[:1], "an element of the result depends on other elements of the input")
    must_agree(dx.ravel()[:1], dx2.ravel()[:1], "an element of the gradient depends on other elements of the input")


# What changes nothing ----------------------------------------------------------------------------------------------------


def constants_stay(f, x):
    """A constant image stays what it is: the weights that make each new pixel add up to 1."""
    y, _, _ = value_and_dx(f, x * 0 + 3.0)
    must_agree(y, 3.0, "a constant image does not stay constant: the weights of a pixel do not add up to 1")


def shift_changes_nothing(f, x):
    """f(x + c) = f(x), so Σ dx = 0 along axis 1: softmax sees differences between logits only."""
    y, dx, _ = value_and_dx(f, x)
    must_agree(value_and_dx(f, x + 2.0)[0], y, "adding the same number to all of an example's logits changes the result")
    must_agree(dx.sum(1), 0, "Σ dx over the classes is not 0")


def channels_may_shift_and_scale(f, x):
    """Batch norm (eps 0) undoes shift and scale of a channel, so dx is orthogonal to 1 and to x̂ in each."""
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    _orthogonal_to_shift_and_scale(f, x, axes)


def rows_may_shift_and_scale(f, x):
    """The same for standardization, whose rows lie along the last axis."""
    _orthogonal_to_shift_and_scale(f, x, (-1,))


def _orthogonal_to_shift_and_scale(f, x, axes):
    _, dx, _ = value_and_dx(f, x)
    must_agree(dx.sum(axes), 0, "dx is not orthogonal to 1: the term of the mean is missing")
    must_agree((dx * x).sum(axes), 0, "dx is not orthogonal to x̂: the term of the variance is missing")


def nothing_at_the_target(f, t):
    """A distance is 0 at its target, and flat there; next to it, it is above 0."""
    y, dx, _ = value_and_dx(f, t)
    must_agree(y, 0, "the distance of a target to itself is not 0")
    must_agree(dx, 0, "the distance is not flat at its target")
    if not (value_and_dx(f, t + 0.7)[0] > 0).all() or not (value_and_dx(f, t - 0.7)[0] > 0).all():
        raise GradcheckError("the distance is not positive beside its target")
