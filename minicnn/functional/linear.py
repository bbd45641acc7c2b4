"""The dense layer: y = x wᵀ + b, with w of shape (out_features, in_features)."""

from ..autograd.operation import Layer
from ..kernels import of


def linear_definition(x, w, b):
    """The formula in elementary operations."""
    y = x @ w.T
    return y if b is None else y + b


def linear_forward(x, w, b):
    return of(x).linear(x, w, b), (x, w)


def linear_backward(dy, saved, needed):
    """With y[n,o] = Σ_i x[n,i]·w[o,i] + b[o], where n counts all leading axes:

        dx[n,i] = Σ_o dy[n,o]·w[o,i]      dw[o,i] = Σ_n dy[n,o]·x[n,i]      db[o] = Σ_n dy[n,o]
    """
    (x, w), kernel = saved, of(dy)
    dx = kernel.linear_dx(dy, w) if needed.x else None
    dw = kernel.linear_dw(dy, x) if needed.w else None
    db = dy.sum(tuple(range(dy.ndim - 1))) if needed.b else None
    return dx, dw, db


linear = Layer("Gemm", linear_forward, linear_backward, linear_definition)
