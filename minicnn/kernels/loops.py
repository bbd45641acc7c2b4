"""The kernels as plain loops, for reading: one line for each index of the formula. Thousands of times slower than the rest."""

from itertools import product

import numpy as np

# Where the windows lie ---------------------------------------------------------------------------------------------------


def _visits(window):
    """Every meeting of a kernel position with a pixel: (p, q, i, j, h, v); what falls on padding is left out."""
    (top, _), (left, _) = window.padding
    (sh, sw), (dh, dw) = window.stride, window.dilation
    for p, q, i, j in product(*map(range, (*window.output, *window.kernel))):
        h, v = p * sh + i * dh - top, q * sw + j * dw - left
        if 0 <= h < window.size[0] and 0 <= v < window.size[1]:
            yield p, q, i, j, h, v


def _channel_pairs(w, groups):
    """(o, c, k): output channel, input channel, and the input channel's place k in the weight of o."""
    outputs, inputs = w.shape[0] // groups, w.shape[1]
    for g, o, k in product(range(groups), range(outputs), range(inputs)):
        yield g * outputs + o, g * inputs + k, k


# Convolution -------------------------------------------------------------------------------------------------------------


def conv2d(x, w, b, window, groups):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]"""
    y = np.zeros((x.shape[0], w.shape[0], *window.output), x.dtype)
    for n in range(x.shape[0]):
        for o, c, k in _channel_pairs(w, groups):
            for p, q, i, j, h, v in _visits(window):
                y[n, o, p, q] += w[o, k, i, j] * x[n, c, h, v]
    return y if b is None else y + b.reshape(-1, 1, 1)


def conv2d_dx(dy, w, window, groups):
    """dx[n,c,h,v] = Σ w[o,c,i,j] · dy[n,o,p,q] over all windows that saw the pixel"""
    dx = np.zeros((dy.shape[0], w.shape[1] * groups, *window.size), dy.dtype)
    for n in range(dy.shape[0]):
        for o, c, k in _channel_pairs(w, groups):
            for p, q, i, j, h, v in _visits(window):
                dx[n, c, h, v] += w[o, k, i, j] * dy[n, o, p, q]
    return dx


def conv2d_dw(dy, x, window, groups):
    """dw[o,c,i,j] = Σ_{n,p,q} x[n,c,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]"""
    dw = np.zeros((dy.shape[1], x.shape[1] // groups, *window.kernel), dy.dtype)
    for n in range(dy.shape[0]):
        for o, c, k in _channel_pairs(dw, groups):
            for p, q, i, j, h, v in _visits(window):
                dw[o, k, i, j] += x[n, c, h, v] * dy[n, o, p, q]
    return dw


# Pooling -----------------------------------------------------------------------------------------------------------------


def max_pool2d(x, window):
    """The largest pixel of each window, and its number i·KW + j in the window; the first one where several are equal."""
    y = np.full((*x.shape[:2], *window.output), -np.inf, x.dtype)
    winners = np.full(y.shape, -1, np.int32)
    for n, c in product(*map(range, x.shape[:2])):
        for p, q, i, j, h, v in _visits(window):
            if winners[n, c, p, q] < 0 or x[n, c, h, v] > y[n, c, p, q] or np.isnan(x[n, c, h, v]):
                y[n, c, p, q] = x[n, c, h, v]
                winners[n, c, p, q] = i * window.kernel[1] + j
    return y, winners


def max_pool2d_relu(x, window):
    """The largest pixel of each window, but at least 0; and its number, or -1 where none is above 0"""
    y, winners = max_pool2d(x, window)
    for index in np.ndindex(y.shape):
        if y[index] <= 0:
            y[index], winners[index] = 0, -1
    return y, winners


def max_pool2d_dx(dy, winners, window):
    """dx = dy at each window's winner, added up where windows share it"""
    dx = np.zeros((*dy.shape[:2], *window.size), dy.dtype)
    for n, c in product(*map(range, dy.shape[:2])):
        for p, q, i, j, h, v in _visits(window):
            if winners[n, c, p, q] == i * window.kernel[1] + j:
                dx[n, c, h, v] += dy[n, c, p, q]
    return dx


def avg_pool2d(x, window, divisor):
    """The sum of each window over the divisor: a number, or one for each output pixel (P, Q)"""
    y = np.zeros((*x.shape[:2], *window.output), x.dtype)
    for n, c in product(*map(range, x.shape[:2])):
        for p, q, _, _, h, v in _visits(window):
            y[n, c, p, q] += x[n, c, h, v]
    return y / divisor


def avg_pool2d_dx(dy, window, divisor):
    """Each pixel gets dy / divisor from every window that saw it"""
    share = dy / divisor
    dx = np.zeros((*dy.shape[:2], *window.size), dy.dtype)
    for n, c in product(*map(range, dy.shape[:2])):
        for p, q, _, _, h, v in _visits(window):
            dx[n, c, h, v] += share[n, c, p, q]
    return dx


# Batch norm --------------------------------------------------------------------------------------------------------------


def _by_channel(x):
    """The elements of each channel, one vector for each."""
    return [x[:, c].ravel() for c in range(x.shape[1])]


def batch_moments(x):
    """Mean and (biased) variance of each channel"""
    mean = np.array([sum(v) / len(v) for v in _by_channel(x)], x.dtype)
    var = np.array([sum((e - m) ** 2 for e in v) / len(v) for v, m in zip(_by_channel(x), mean)], x.dtype)
    return mean, var


def batch_statistics(x, running_mean, running_var, momentum, eps):
    """Mean and 1/√(variance + eps) of each channel; running = (1 - momentum) · running + momentum · batch, the variance unbiased"""
    mean, var = batch_moments(x)
    count = x.size // max(x.shape[1], 1)
    for running, batch in ((running_mean, mean), (running_var, var * count / max(count - 1, 1))):
        for c in range(x.shape[1] if running is not None and count > 1 else 0):
            running[c] = (1 - momentum) * running[c] + momentum * batch[c]
    return mean, (1 / np.sqrt(var + eps)).astype(x.dtype)


def batch_norm(x, w, b, mean, rstd):
    """y = w · (x - mean) · rstd + b, channel by channel"""
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        c = index[1]
        y[index] = (x[index] - mean[c]) * rstd[c] * (1 if w is None else w[c]) + (0 if b is None else b[c])
    return y


def batch_norm_dx(dy, x, w, mean, rstd):
    """dx[i] = w·rstd · (dy[i] - Σdy/m - x̂[i]·Σ(dy·x̂)/m), and dw = Σ dy·x̂, db = Σ dy"""
    dx, m = np.empty_like(x), x.size // x.shape[1]
    db, dw = batch_norm_sums(dy, x, mean, rstd)
    for index in np.ndindex(x.shape):
        c = index[1]
        x_hat = (x[index] - mean[c]) * rstd[c]
        dx[index] = (1 if w is None else w[c]) * rstd[c] * (dy[index] - db[c] / m - x_hat * dw[c] / m)
    return dx, dw, db


def batch_norm_sums(dy, x, mean, rstd):
    """db = Σ dy and dw = Σ dy · x̂"""
    db, dw = np.zeros_like(mean), np.zeros_like(mean)
    for index in np.ndindex(x.shape):
        c = index[1]
        db[c] += dy[index]
        dw[c] += dy[index] * (x[index] - mean[c]) * rstd[c]
    return db, dw


# Activations -------------------------------------------------------------------------------------------------------------


def relu(x):
    """max(x, 0)"""
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        y[index] = x[index] if not x[index] <= 0 else 0
    return y


def relu_dx(dy, y):
    """dy where y > 0"""
    dx = np.empty_like(dy)
    for index in np.ndindex(dy.shape):
        dx[index] = 0 if y[index] <= 0 else dy[index]
    return dx


# Several at once: what other forms save by this is a way over memory -----------------------------------------------------------


def channel_sums(x):
    """Σ x of each channel"""
    return np.array([sum(v) for v in _by_channel(x)], x.dtype)


def add(x, y):
    """x + y"""
    z = np.empty_like(x)
    for index in np.ndindex(x.shape):
        z[index] = x[index] + y[index]
    return z


def add_relu(x, y):
    """max(x + y, 0)"""
    return relu(add(x, y))


def batch_norm_relu(x, w, b, mean, rstd):
    """y = max(w · (x - mean) · rstd + b, 0)"""
    return relu(batch_norm(x, w, b, mean, rstd))


def batch_norm_relu_dx(dy, x, w, b, mean, rstd):
    """As `batch_norm_dx`, where a ReLU follows: only the dy of what is above 0 counts"""
    return batch_norm_dx(relu_dx(dy, batch_norm(x, w, b, mean, rstd)), x, w, mean, rstd)


# The dense layer: leading axes of x count as one, n ------------------------------------------------------------------------


def linear(x, w, b):
    """y[n,o] = b[o] + Σ_i x[n,i] · w[o,i]"""
    outs, depth = w.shape
    y = np.zeros((*x.shape[:-1], outs), x.dtype)
    for n in np.ndindex(x.shape[:-1]):
        for o in range(outs):
            total = 0 if b is None else b[o]
            for i in range(depth):
                total += x[n][i] * w[o, i]
            y[(*n, o)] = total
    return y


def linear_relu(x, w, b):
    """y[n,o] = max(b[o] + Σ_i x[n,i] · w[o,i], 0)"""
    return relu(linear(x, w, b))


def linear_dx(dy, w):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]"""
    outs, depth = w.shape
    dx = np.zeros((*dy.shape[:-1], depth), dy.dtype)
    for n in np.ndindex(dy.shape[:-1]):
        for o, i in product(range(outs), range(depth)):
            dx[(*n, i)] += dy[n][o] * w[o, i]
    return dx


def linear_dw(dy, x):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]"""
    dw = np.zeros((dy.shape[-1], x.shape[-1]), x.dtype)
    for n in np.ndindex(x.shape[:-1]):
        for o, i in product(range(dw.shape[0]), range(dw.shape[1])):
            dw[o, i] += dy[n][o] * x[n][i]
    return dw
