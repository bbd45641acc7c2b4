"""The kernels for a GPU, in CuPy: the same functions as in `array.py`. Importing this needs CuPy.

Activations lie channel by channel, (C, N, H, W) in memory behind an NCHW view: so a convolution's matrix product leaves them, and so
batch norm finds the pixels of a channel side by side. No kernel waits for the GPU, copies from or to it, or adds atomically: the same
inputs give the same bits.
"""

from .activation import (elu_backward, elu_forward, gelu_backward, gelu_forward, hardsigmoid_backward, hardsigmoid_forward,
                         hardswish_backward, hardswish_forward, hardtanh_backward, hardtanh_forward, leaky_relu_backward,
                         leaky_relu_forward, log_sigmoid_backward, log_sigmoid_forward, mish_backward, mish_forward, silu_backward,
                         silu_forward, softplus_backward, softplus_forward)
from .adaptive import adaptive_avg_pool2d, adaptive_avg_pool2d_dx, adaptive_max_pool2d_dx, adaptive_winners
from .conv import conv2d, conv2d_dw, conv2d_dx
from .dense import linear, linear_dw, linear_dx, linear_relu
from .dropout import dropout_mask
from .loss import softmax_cross_entropy, softmax_cross_entropy_dx
from .normalization import (batch_moments, batch_norm, batch_norm_add, batch_norm_add_relu, batch_norm_add_relu_dx, batch_norm_dx,
                            batch_norm_relu, batch_norm_relu_dx, batch_norm_sums, batch_statistics, channel_sums)
from .pointwise import add, add_relu, cat, relu, relu_dx
from .pooling import avg_pool2d, avg_pool2d_dx, max_pool2d, max_pool2d_dx, max_pool2d_relu
from .steps import adam_steps, rmsprop_steps, sgd_steps

__all__ = ["elu_backward", "elu_forward", "gelu_backward", "gelu_forward", "hardsigmoid_backward", "hardsigmoid_forward",
           "hardswish_backward", "hardswish_forward", "hardtanh_backward", "hardtanh_forward", "leaky_relu_backward",
           "leaky_relu_forward", "log_sigmoid_backward", "log_sigmoid_forward", "mish_backward", "mish_forward", "silu_backward",
           "silu_forward", "softplus_backward", "softplus_forward", "adaptive_avg_pool2d", "adaptive_avg_pool2d_dx",
           "adaptive_max_pool2d_dx", "adaptive_winners", "conv2d", "conv2d_dw", "conv2d_dx", "linear", "linear_dw", "linear_dx",
           "linear_relu", "dropout_mask", "softmax_cross_entropy", "softmax_cross_entropy_dx", "batch_moments", "batch_norm",
           "batch_norm_add", "batch_norm_add_relu", "batch_norm_add_relu_dx", "batch_norm_dx", "batch_norm_relu", "batch_norm_relu_dx",
           "batch_norm_sums", "batch_statistics", "channel_sums", "add", "add_relu", "cat", "relu", "relu_dx", "avg_pool2d",
           "avg_pool2d_dx", "max_pool2d", "max_pool2d_dx", "max_pool2d_relu", "adam_steps", "rmsprop_steps", "sgd_steps"]
