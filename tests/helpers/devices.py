"""The same computation on two devices: arrays and tensors moved, values and gradients compared."""

import numpy as np

import minicnn
from minicnn import Tensor, arrays, kernels, nn, optim
from minicnn.autograd.operation import Layer
from minicnn.exercises import cases
from minicnn.nn import functional as F

LAYERS = sorted({case.operation for case in cases.CASES if case.layer is not None})


def moved(value, device, dtype=np.float64):
    """Nested lists, tuples and dicts with all their arrays on a device, those of floating point in a dtype."""
    if isinstance(value, np.ndarray):
        return arrays.to_device(value.astype(dtype) if value.dtype.kind == "f" else value, device)
    if isinstance(value, np.floating):
        return dtype(value)
    if isinstance(value, dict):
        return {key: moved(item, device, dtype) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [moved(item, device, dtype) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def value_and_gradients(function, inputs, device):
    """[y, dx, dw, ...] as NumPy arrays, computed on a device for the NumPy arrays in `inputs`, None for what is absent."""
    leaves = [None if x is None else Tensor(arrays.to_device(x.copy(), device), requires_grad=True) for x in inputs]
    y = function(*leaves)
    assert y.device.type == device, f"the result lies on {y.device}"
    if not y.requires_grad:
        return [arrays.to_numpy(y.array)]
    dy = np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype)
    given = [x for x in leaves if x is not None]
    found = minicnn.autograd.grad(y, given, Tensor(arrays.to_device(dy, device)), materialize_grads=True)
    assert {dx.device.type for dx in found} == {device}
    return [arrays.to_numpy(t.detach().array) for t in (y, *found)]


def close(found, expected, message="", rtol=1e-9, atol=1e-11):
    """Lists of arrays that agree in shape, dtype and value."""
    assert len(found) == len(expected)
    for i, (a, b) in enumerate(zip(found, expected)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), f"{message}, array {i}"
        np.testing.assert_allclose(a, b, rtol, atol, err_msg=f"{message}, array {i}")


def compare_layer(operation):
    """Every configuration of a layer operation on "cuda" against NumPy."""
    for case in cases.of(operation):
        with kernels.using("array"):
            expected = layer_on("cpu", case)
        close(layer_on("cuda", case), expected, case.label)


def layer_on(device, case, dtype=np.float64):
    """The value and gradients of a configuration."""
    attributes = moved(case.attributes(case.inputs), device, dtype)
    return value_and_gradients(lambda *xs: case.layer(*xs, **attributes), moved(case.inputs, "cpu", dtype), device)


def run_own_kernels():
    """Whatever has kernels of its own on "cuda", in both dtypes: layer operations in all configurations, functions, optimizers."""
    for dtype in (np.float64, np.float32):
        _functions(arrays.as_dtype(dtype))
        for case in cases.CASES:
            if isinstance(case.layer, Layer):
                layer_on("cuda", case, dtype)
        for name in optim.__all__:
            if isinstance(getattr(optim, name), type) and name != "Optimizer":
                _steps(getattr(optim, name), dtype)


def _functions(dtype):
    """What stands around the layer operations: batch statistics, the places of maxima, the mask of dropout, a sum of images."""
    x = minicnn.randn(2, 3, 7, 6, dtype=dtype).cuda().requires_grad_()
    mean, var = minicnn.zeros(3, dtype=dtype).cuda(), minicnn.ones(3, dtype=dtype).cuda()
    y = F.batch_norm(x, mean, var, training=True)
    y = F.dropout(F.adaptive_max_pool2d(y + x, (2, 3)), 0.3) + F.relu(F.adaptive_avg_pool2d(y, (2, 3)))
    y.sum().backward()
    kernels.of(x.array).add(x.array, x.array)


def _steps(optimizer, dtype):
    """Two steps of an optimizer that moves parameters of odd sizes."""
    params = [nn.Parameter(minicnn.randn(*shape, dtype=arrays.as_dtype(dtype)).cuda()) for shape in ((3, 5), (7,), (2, 1, 3, 3))]
    moving = optimizer(params)
    for _ in range(2):
        for p in params:
            p.grad = minicnn.randn_like(p)
        moving.step()
