"""Activations at the end of a convolution, and convolution with weights that stay, for kernels that have no better way of their own."""

RELU, RELU6, LIMIT = 1, 2, 6        # what `cut` says: 1: max(y, 0); 2: min(max(y, 0), 6); 0: nothing


def cut_array(y, cut):
    """y as `cut` says, in place."""
    return y.clip(0, LIMIT if cut == RELU6 else None, out=y) if cut else y


class PreparedConv2d:
    """y = cut(conv2d(x, w, b)) for the same w and b again and again, by the kernels that are chosen when it is called."""

    def __init__(self, w, b, groups, cut=0):
        self.arguments, self.groups, self.cut = (w, b), groups, cut

    def __call__(self, x, window):
        from . import of

        return cut_array(of(x).conv2d(x, *self.arguments, window, self.groups), self.cut)
