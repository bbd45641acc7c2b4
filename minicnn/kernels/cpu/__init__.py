"""The kernels for the CPU, compiled by Numba: the same functions as in `array.py`. Importing this needs Numba."""

from .conv import conv2d, conv2d_dw, conv2d_dx
from .dense import einsum, linear, linear_dw, linear_dx, linear_relu, matmul
from .dropout import dropout_mask
from .inference import PreparedConv2d
from .layout import cat, prepared
from .loss import softmax_cross_entropy, softmax_cross_entropy_dx
from .normalization import (add, add_relu, batch_moments, batch_norm, batch_norm_add, batch_norm_add_relu, batch_norm_add_relu_dx,
                            batch_norm_dx, batch_norm_relu, batch_norm_relu_dx, batch_norm_sums, batch_statistics, channel_sums,
                            relu, relu_dx)
from .pooling import avg_pool2d, avg_pool2d_dx, max_pool2d, max_pool2d_dx, max_pool2d_relu
from .steps import adam_steps, rmsprop_steps, sgd_steps

__all__ = ["conv2d", "conv2d_dw", "conv2d_dx", "batch_moments", "batch_norm", "batch_norm_add", "batch_norm_add_relu",
           "batch_norm_add_relu_dx", "batch_norm_dx", "batch_norm_relu", "batch_norm_relu_dx", "batch_norm_sums", "batch_statistics",
           "relu", "relu_dx", "channel_sums", "add", "add_relu", "cat", "prepared", "avg_pool2d", "avg_pool2d_dx", "max_pool2d",
           "max_pool2d_dx", "max_pool2d_relu", "einsum", "linear", "linear_dw", "linear_dx", "linear_relu", "matmul", "dropout_mask",
           "softmax_cross_entropy", "softmax_cross_entropy_dx", "adam_steps", "rmsprop_steps", "sgd_steps", "PreparedConv2d"]
