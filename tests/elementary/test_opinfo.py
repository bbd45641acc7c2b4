"""PyTorch's own sample inputs and refused inputs for the elementary operations: values, gradients and gradients of gradients."""

import pytest

torch = pytest.importorskip("torch")
opinfo = pytest.importorskip("helpers.opinfo")

from helpers.operations import complaints, operations  # noqa: E402

# Equal integers: which of them comes first is not defined there.
TIES = {("topk", torch.int64), ("sort", torch.bool), ("argsort", torch.bool)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", operations(), ids=opinfo.full_name)
def test_values_gradients_and_refusals(op):
    assert not list(complaints(op, torch.float64))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", operations(), ids=opinfo.full_name)
def test_gradients_of_gradients(op):
    if (op.name, op.variant_test_name) != ("norm", "nuc"):         # its derivative is not differentiable here: it says so
        assert not list(complaints(op, torch.float64, second=True))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool], ids=str)
@pytest.mark.parametrize("op", operations(), ids=opinfo.full_name)
def test_other_dtypes(op, dtype):
    if (op.name, dtype) not in TIES:
        assert not list(complaints(op, dtype))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", [op for op in operations() if op.method_variant], ids=opinfo.full_name)
def test_methods(op):
    assert not list(complaints(op, torch.float64, form="method"))
