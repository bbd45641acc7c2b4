"""Tests of the tests: what they must notice, planted one after the other."""

import numpy as np
import pytest
from gpu_budget import NETWORKS, excess, measure
from helpers import cupy_on_cpu
from helpers.devices import compare_layer

import minicnn
from minicnn import Tensor
from minicnn.autograd.operation import Elementary
from minicnn.errors import DeviceError

pytestmark = [pytest.mark.gpu, pytest.mark.simulated_gpu]

LENET = NETWORKS["lenet5"]

# In a kernel ---------------------------------------------------------------------------------------------------------------------

# (kernel, what its source has, what a mistake makes of it, the operation whose comparison must notice)
MISTAKES = {
    "im2col is off by one": ("minicnn_im2col", "p * sh + a * dh - top", "p * sh + a * dh - top + 1", "conv2d"),
    "an output element is skipped": ("minicnn_col2im", "dx = sum;", "if (i) dx = sum;", "conv2d"),
    "a window of negatives passes a gradient": ("minicnn_max_pool", "best = 0; place = -1;", "best = 0;", "relu_max_pool2d"),
    "windows that overlap are not added up": ("minicnn_max_pool_dx", "sum += dy[pixel]", "sum = dy[pixel]", "max_pool2d"),
    "what goes round a block is left out": ("minicnn_batch_norm_add", "+ b + plus", "+ b", "batch_norm_add"),
    "the ReLU behind a block is left out": ("minicnn_batch_norm_add_relu", "v <= 0 ? (T)0 : v", "v", "batch_norm_add_relu"),
    "the ReLU behind a dense layer is left out": ("minicnn_add_relu", "sum <= 0 ? (T)0 : sum", "sum", "linear_relu"),
    "a ReLU's sign is forgotten in the sums": ("sums", "relu && away * scale + shift <= 0", "relu && away * scale <= 0", "batch_norm_relu"),
    "a tap's column is off by one": ("depthwise_dw", "v = q * sw + e * dw - left", "v = q * sw + e * dw - left + 1", "conv2d"),
    "a score is not shifted": ("entropy", "row[label] - largest", "row[label]", "label_cross_entropy"),
    "the mean's gradient is not the whole cell's": ("minicnn_adaptive_average_dx", "(T)(rows * columns)", "(T)rows", "adaptive_avg_pool2d"),
    "a barrier is missing": ("sums", "shared[threadIdx.x + half];\n        __syncthreads();", "shared[threadIdx.x + half];", "batch_norm"),
}


def notices(operation):
    """Whether the comparison with NumPy fails, in one order of threads or the other."""
    outcomes = []
    for reverse in (False, True):
        with cupy_on_cpu.reversed_threads(reverse):
            try:
                compare_layer(operation)
                outcomes.append(False)
            except AssertionError:
                outcomes.append(True)
    return any(outcomes)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_kernel_is_noticed(mistake):
    kernel, old, new, operation = MISTAKES[mistake]
    assert not notices(operation)
    with cupy_on_cpu.planted(kernel, old, new):
        assert notices(operation)


# Between the devices -------------------------------------------------------------------------------------------------------------


def test_a_numpy_array_among_those_of_the_gpu():
    x = minicnn.ones(2, 3).cuda()
    y = np.ones((2, 3))
    for mixed in (lambda: x + Tensor(y), lambda: x + y, lambda: minicnn.where(x > 0, x, Tensor(y))):
        with pytest.raises(DeviceError, match="cpu and cuda:0"):
            mixed()
    careless = Elementary("Careless", lambda x: x * np.ones(3), lambda dy: dy)
    with pytest.raises(DeviceError, match="Careless got arrays on the GPU and uses a NumPy array with them"):
        careless(x)


# In a training step --------------------------------------------------------------------------------------------------------------


def with_float_of_loss(step):
    return lambda x, labels: float(step(x, labels))


def with_index_from_the_host(step):
    def changed(x, labels):
        places = np.arange(len(x))[::-1].copy()
        return step(x, labels.to("cuda")[minicnn.from_numpy(places)])

    return changed


def with_float64_among_float32(step):
    double = Elementary("Double", lambda x: x * np.float64(2), lambda dy: dy)

    def changed(x, labels):
        double(x.to("cuda"))
        return step(x.to("cuda"), labels)

    return changed


def with_a_table_made_anew(step):
    def changed(x, labels):
        return step(x.to("cuda") * minicnn.ones(1, 1, 1, x.shape[3]).to("cuda"), labels)

    return changed


FAULTS = {with_float_of_loss: "synchronisation", with_index_from_the_host: "host to device", with_a_table_made_anew: "host to device",
          with_float64_among_float32: "in float64"}


def test_without_a_fault_a_step_is_within_its_budget():
    assert excess(LENET, measure(LENET, 1)[0]) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_in_a_step_is_over_its_budget(fault):
    found = excess(LENET, measure(LENET, 1, fault)[0])
    assert any(FAULTS[fault] in sentence for sentence in found), found
