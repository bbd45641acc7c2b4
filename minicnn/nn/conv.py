"""Convolution layers: weights, their initial values, and how they are padded; the arithmetic is in `functional`."""

import math

from ..errors import BadValue
from . import functional as F
from . import init
from .arguments import check_integers, ntuple, repeated_reversed
from .module import Module
from .parameter import empty_parameter

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What convolutions have in common. `dims` counts the spatial axes."""

    dims = 2
    transposed = False

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
                 padding_mode, device, dtype):
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = ntuple(kernel_size, self.dims), ntuple(stride, self.dims)
        self.padding = padding if isinstance(padding, str) else ntuple(padding, self.dims)
        self.dilation, self.output_padding = ntuple(dilation, self.dims), ntuple(output_padding, self.dims)
        self.padding_mode = padding_mode
        self._check()
        ends = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = empty_parameter((*ends, *self.kernel_size), device, dtype)
        self.register_parameter("bias", empty_parameter((out_channels,), device, dtype) if bias else None)
        self.reset_parameters()

    def _check(self):
        check_integers(in_channels=self.in_channels, out_channels=self.out_channels, groups=self.groups)
        if self.groups <= 0:
            raise BadValue(f"groups must be a positive integer, got {self.groups}")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise BadValue(f"{name} must be divisible by groups, got {name}={getattr(self, name)}, groups={self.groups}")
        self._check_padding()

    def _check_padding(self):
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise BadValue(f"Invalid padding string {self.padding!r}, should be one of 'same', 'valid'")
        if self.padding == "same" and any(step != 1 for step in self.stride):
            raise BadValue(f"padding='same' is not supported for strided convolutions, got stride={self.stride}")
        if self.padding_mode not in PADDING_MODES:
            raise BadValue(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode={self.padding_mode!r}")

    def reset_parameters(self):
        """Draw initial values anew: uniform within ±1/√fan_in, for weight and bias."""
        fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
        bound = 1 / math.sqrt(fan_in) if fan_in else 0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def _margins(self):
        """How much padding each side gets, last axis first, as `F.pad` takes it."""
        if self.padding == "valid":
            return [0] * (2 * self.dims)
        if self.padding != "same":
            return repeated_reversed(self.padding)
        totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
        return [side for total in reversed(totals) for side in (total // 2, total - total // 2)]

    def _convolve(self, convolution, input):
        if self.padding_mode == "zeros":
            return convolution(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        padded = F.pad(input, self._margins(), mode=self.padding_mode)
        return convolution(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    def extra_repr(self):
        shown = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        shown += [f"padding={self.padding}"] if self.padding != (0,) * len(self.padding) else []
        shown += [f"dilation={self.dilation}"] if self.dilation != (1,) * len(self.dilation) else []
        shown += [f"output_padding={self.output_padding}"] if any(self.output_padding) else []
        shown += [f"groups={self.groups}"] if self.groups != 1 else []
        shown += ["bias=False"] if self.bias is None else []
        shown += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        return ", ".join(shown)


class Conv1d(_ConvNd):
    """Convolution along one axis: (N, in, L) or (in, L) to (N, out, L').

    weight (out_channels, in_channels / groups, kernel_size), bias (out_channels,).
    """

    dims = 1

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
                         device, dtype)

    def forward(self, input):
        return self._convolve(F.conv1d, input)


class Conv2d(_ConvNd):
    """Convolution over images: (N, in, H, W) or (in, H, W) to (N, out, H', W').

    weight (out_channels, in_channels / groups, KH, KW), bias (out_channels,). `padding` is a number of pixels, "same" or
    "valid"; `padding_mode` says what stands there: zeros, or the image reflected, replicated or repeated ("circular").
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
                         device, dtype)

    def forward(self, input):
        return self._convolve(F.conv2d, input)


class ConvTranspose2d(_ConvNd):
    """The transpose of a convolution, which enlarges images: (N, in, H, W) or (in, H, W) to (N, out, H', W').

    weight (in_channels, out_channels / groups, KH, KW), bias (out_channels,). With a stride, several output sizes have
    the same input size; `output_padding`, or `output_size` when it is called, chooses among them.
    """

    transposed = True

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True,
                 dilation=1, padding_mode="zeros", device=None, dtype=None):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
                         padding_mode, device, dtype)

    def _check_padding(self):
        if self.padding_mode != "zeros":
            raise BadValue(f'Only "zeros" padding mode is supported for {self._get_name()}, got {self.padding_mode!r}')
        if isinstance(self.padding, str):
            raise BadValue(f"padding of {self._get_name()} must be a number of pixels, got {self.padding!r}")

    def forward(self, input, output_size=None):
        extra = self.output_padding if output_size is None else self._extra_for(input, output_size)
        return F.conv_transpose2d(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
                                  self.dilation)

    def _extra_for(self, input, output_size):
        """The output padding that leads to an output size."""
        wanted = tuple(output_size)
        if len(wanted) not in (self.dims, input.dim()):
            raise BadValue(f"{self._get_name()}: for {input.dim()}D input, output_size must have {self.dims} or "
                           f"{input.dim()} elements (got {len(wanted)})")
        wanted = wanted[-self.dims:]
        smallest = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in zip(
            input.shape[-self.dims:], self.stride, self.padding, self.dilation, self.kernel_size)]
        largest = [low + step - 1 for low, step in zip(smallest, self.stride)]
        if not all(low <= size <= high for low, size, high in zip(smallest, wanted, largest)):
            raise BadValue(f"requested an output size of {wanted}, but valid sizes range from {smallest} to {largest} "
                           f"(for an input of {tuple(input.shape[-self.dims:])})")
        return tuple(size - low for size, low in zip(wanted, smallest))
