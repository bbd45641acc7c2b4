"""The index arithmetic that kernels with windows share, in CUDA's C: which pixels a window sees, and which windows saw a pixel.

A kernel is one of the two beginnings, what it does for each pixel or window, and where the result goes. Its signature has GEOMETRY
(adaptive pooling, whose cells differ in size, has loops of its own).
"""

# The parameters of `geometry` in a kernel's signature.
GEOMETRY = "int32 H, int32 W, int32 KH, int32 KW, int32 sh, int32 sw, int32 dh, int32 dw, int32 top, int32 left, int32 P, int32 Q"

OUTPUT_PIXEL = """
    // Thread i is one output pixel: i = ((c·images + image)·P + p)·Q + q.
    const unsigned thread = i;
    const int q = thread % Q, p = thread / Q % P, image = thread / Q / P % images, c = thread / Q / P / images;
"""

INPUT_PIXEL = """
    // Thread i is one input pixel: i = ((c·images + image)·H + h)·W + v.
    const unsigned thread = i;
    const int v = thread % W, h = thread / W % H, image = thread / W / H % images, c = thread / W / H / images;
"""


def geometry(window):
    """A Window as the numbers that the kernels take: H, W, KH, KW, stride, dilation, first padding, P, Q."""
    return (*window.size, *window.kernel, *window.stride, *window.dilation, window.padding[0][0], window.padding[1][0], *window.output)


def each_pixel(body):
    """Loops over the pixels (h, v) of the image that window (p, q) sees, at the positions (a, b) in the window."""
    return """
    for (int a = 0; a < KH; a++) {
        const int h = p * sh + a * dh - top;
        for (int b = 0; b < KW; b++) {
            const int v = q * sw + b * dw - left;
            if (h < 0 || h >= H || v < 0 || v >= W) continue;
""" + body + """
        }
    }
"""


def each_window(body):
    """Loops over the windows (p, q) that saw pixel (h, v), at the positions (a, b): p saw row h at a where p·sh + a·dh - top = h."""
    return """
    for (int a = 0; a < KH; a++) {
        const int row = h + top - a * dh, p = row / sh;
        if (row < 0 || row % sh || p >= P) continue;
        for (int b = 0; b < KW; b++) {
            const int column = v + left - b * dw, q = column / sw;
            if (column < 0 || column % sw || q >= Q) continue;
""" + body + """
        }
    }
"""
