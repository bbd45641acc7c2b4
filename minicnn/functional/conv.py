"""Two-dimensional convolution (cross-correlation, as in every deep learning library) and its transpose.

    y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c, p·s + i·d - pad, q·s + j·d - pad]

With G groups, the input and output channels are cut into G parts, and each part of the output sees its part of the input.
Axes: N image, O output channel, C input channel, (i, j) kernel position, (p, q) output pixel, (h, v) input pixel.
"""

from ..autograd.operation import Layer
from ..elementary.windows import overlap_add, pad, windows
from ..kernels import of


def conv2d_definition(x, w, b, *, window, groups):
    """The formula in elementary operations: cut the windows out, multiply them by the weights."""
    n, o = len(x), len(w)
    columns = windows(pad(x, window.pads), window)                          # (N, C, KH, KW, P, Q)
    columns = columns.reshape(n, groups, w[0].numel(), window.output[0] * window.output[1])
    y = w.reshape(groups, o // groups, w[0].numel()) @ columns              # (N, G, O/G, P·Q)
    y = y.reshape(n, o, *window.output)
    return y if b is None else y + b.reshape(-1, 1, 1)


def conv2d_forward(x, w, b, *, window, groups):
    x = of(x).prepared(x)
    return of(x).conv2d(x, w, b, window, groups), (x, w, window, groups)


def conv2d_backward(dy, saved, needed):
    """y is linear in x, in w and in b, so each one's gradient is dy times what it was multiplied by:

        dx[n,c,h,v] = Σ_{o,i,j} w[o,c,i,j] · dy[n,o,p,q]    over the (p,q) whose window position (i,j) lies on (h,v)
        dw[o,c,i,j] = Σ_{n,p,q} x[n,c, p·s + i·d - pad, q·s + j·d - pad] · dy[n,o,p,q]
        db[o]       = Σ_{n,p,q} dy[n,o,p,q]
    """
    x, w, window, groups = saved
    kernel = of(dy)
    dx = kernel.conv2d_dx(dy, w, window, groups) if needed.x else None
    dw = kernel.conv2d_dw(dy, x, window, groups) if needed.w else None
    db = kernel.channel_sums(dy) if needed.b else None
    return dx, dw, db


conv2d = Layer("Conv", conv2d_forward, conv2d_backward, conv2d_definition)


def conv_transpose2d_definition(x, w, b, *, window, groups):
    """Every input pixel stamps the kernel, times its value, onto the output; where stamps overlap they add up."""
    (n, c), (p, q), o = x.shape[:2], window.output, w.shape[1] * groups
    stamps = w.reshape(groups, c // groups, w[0].numel()).transpose(1, 2) @ x.reshape(n, groups, c // groups, p * q)
    stamps = stamps.reshape(n, o, *window.kernel, p, q)                     # (N, O, KH, KW, P, Q)
    crop = [(-before, -after) for before, after in window.pads]
    y = pad(overlap_add(stamps, window, window.reach), crop)
    return y if b is None else y + b.reshape(-1, 1, 1)


def conv_transpose2d_forward(x, w, b, *, window, groups):
    """The gradient of a convolution with respect to its input, used as a forward: `window` is that convolution's."""
    y = of(x).conv2d_dx(x, w, window, groups)
    return y if b is None else y + b.reshape(-1, 1, 1), (x, w, window, groups)


def conv_transpose2d_backward(dy, saved, needed):
    """The roles are exchanged: x stands where a convolution has its dy, and dy where it has its x."""
    x, w, window, groups = saved
    kernel = of(dy)
    dx = kernel.conv2d(dy, w, None, window, groups) if needed.x else None
    dw = kernel.conv2d_dw(x, dy, window, groups) if needed.w else None
    db = kernel.channel_sums(dy) if needed.b else None
    return dx, dw, db


conv_transpose2d = Layer("ConvTranspose", conv_transpose2d_forward, conv_transpose2d_backward, conv_transpose2d_definition)
