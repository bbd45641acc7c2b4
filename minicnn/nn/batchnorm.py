"""Normalization over a batch, or over each example, with running statistics."""

import warnings

from .. import arrays
from ..errors import BadValue
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import empty_array, empty_parameter


class _NormBase(Module):
    """Scale, shift and running statistics, one value for each channel: (num_features,) each."""

    frozen = False              # whether it stays in evaluation mode when the network is trained (see `models.freeze`)

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, device, dtype, bias):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        shape = (num_features,)
        self.register_parameter("weight", empty_parameter(shape, device, dtype) if affine else None)
        self.register_parameter("bias", empty_parameter(shape, device, dtype) if affine and bias else None)
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, Tensor(empty_array(shape, device, dtype)) if track_running_stats else None)
        counter = Tensor(empty_array((), device, arrays.int64)) if track_running_stats else None
        self.register_buffer("num_batches_tracked", counter)
        self.reset_parameters()

    def reset_running_stats(self):
        """Forget what was seen: mean 0, variance 1."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self):
        """Scale 1, shift 0, running statistics from the start."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def train(self, mode=True):
        """Set training mode, unless it is frozen: then it normalises by its running statistics, which stay as they are."""
        return super().train(False if self.frozen else mode)

    def extra_repr(self):
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")

    def _check_input_dim(self, input, *allowed):
        if input.dim() not in allowed:
            wanted = " or ".join(f"{n}D" for n in allowed)
            raise BadValue(f"expected {wanted} input (got {input.dim()}D input)")


class _BatchNorm(_NormBase):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None,
                 *, bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        self._check_input_dim(input)
        updating = self.training and self.track_running_stats
        momentum = self._count_batch() if updating else self.momentum
        mean, var = (self.running_mean, self.running_var) if updating or not self.training else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, self.training or mean is None, momentum, self.eps)

    def _count_batch(self):
        """Count this batch, and return its weight in the running statistics: for momentum None, in their plain mean."""
        count = self.num_batches_tracked
        if count is not None:
            count.array += 1                                # what add_(1) comes to, at a hundredth of the time
            count.bump_version()
            if self.momentum is None:
                return 1 / float(count)
        return self.momentum or 0.0


class BatchNorm1d(_BatchNorm):
    """Batch normalization of (N, C) or (N, C, L) over all axes but C (Ioffe and Szegedy 2015)."""

    def _check_input_dim(self, input):
        super()._check_input_dim(input, 2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalization of (N, C, H, W) over all axes but C (Ioffe and Szegedy 2015).

    In training, y = (x − mean) / √(var + eps) · weight + bias with the batch's mean and (biased) variance, and the running
    statistics move by `momentum` towards the batch's mean and unbiased variance (momentum None: their plain mean over
    all batches). In evaluation, the running statistics are used; without them, the batch's.
    """

    def _check_input_dim(self, input):
        super()._check_input_dim(input, 4)


class InstanceNorm2d(_NormBase):
    """Normalization of each channel of each example over H and W: (N, C, H, W) or (C, H, W), same shape (Ulyanov et al. 2016)."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None,
                 dtype=None, *, bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        self._check_input_dim(input, 3, 4)
        self._check_channels(input.shape[-3])
        if input.dim() == 3:
            return self._normalize(input.unsqueeze(0)).squeeze(0)
        return self._normalize(input)

    def _normalize(self, input):
        from_input = self.training or not self.track_running_stats
        return F.instance_norm(input, self.running_mean, self.running_var, self.weight, self.bias, from_input,
                               self.momentum or 0.0, self.eps)

    def _check_channels(self, channels):
        if channels == self.num_features:
            return
        if self.affine:
            raise BadValue(f"expected input's size at dim=1 to match num_features ({self.num_features}), got: {channels}.")
        warnings.warn(f"input has {channels} channels, num_features is {self.num_features}; without affine it is not used",
                      stacklevel=4)
