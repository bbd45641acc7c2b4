"""The dense layer: y = x wᵀ + b, with w of shape (out_features, in_features)."""

from math import prod

from ..autograd.operation import Layer


def linear_definition(x, w, b):
    """The formula in elementary operations."""
    y = x @ w.T
    return y if b is None else y + b


def linear_forward(x, w, b):
    y = x @ w.T                                                             # (…, O) = (…, I) @ (I, O)
    return y if b is None else y + b, (x, w)


def linear_backward(dy, saved, needed):
    """With y[n,o] = Σ_i x[n,i]·w[o,i] + b[o], where n counts all leading axes:

        dx[n,i] = Σ_o dy[n,o]·w[o,i]      dw[o,i] = Σ_n dy[n,o]·x[n,i]      db[o] = Σ_n dy[n,o]
    """
    x, w = saved
    n = prod(dy.shape[:-1])
    rows = dy.reshape(n, w.shape[0])                                        # (N, O)
    dx = dy @ w if needed.x else None                                       # (…, I) = (…, O) @ (O, I)
    dw = rows.T @ x.reshape(n, w.shape[1]) if needed.w else None            # (O, I) = (O, N) @ (N, I)
    db = rows.sum(0) if needed.b else None
    return dx, dw, db


linear = Layer("Gemm", linear_forward, linear_backward, linear_definition)
