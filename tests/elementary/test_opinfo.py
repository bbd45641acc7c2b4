"""PyTorch's own sample inputs and refused inputs for the elementary operations: values, gradients and gradients of gradients."""

import pytest

torch = pytest.importorskip("torch")
opinfo = pytest.importorskip("helpers.opinfo")

NAMES = """
abs add allclose all amax amin any arange argmax argmin argsort bincount bmm broadcast_to cat chunk clamp clone contiguous cos cumsum
div einsum empty empty_like eq equal erf exp expand expand_as expm1 eye fill flatten flip floor floor_divide full full_like gather ge gt
index_select isclose isfinite isinf isnan item le linspace log log1p log_softmax logical_and logical_not logical_or logical_xor logsumexp
lt masked_fill masked_select matmul max maximum mean min minimum mm movedim mul ne neg new_full new_ones new_zeros nn.functional.one_hot
nn.functional.relu norm ones ones_like outer permute pow rand_like randint randn reciprocal remainder repeat reshape reshape_as roll rsqrt
scatter_add sigmoid sign sin softmax sort split sqrt square squeeze stack std sub sum t tanh to topk transpose trunc T mT true_divide
type_as unbind unflatten unsqueeze var view view_as where zero_ zeros zeros_like __getitem__ __radd__ __rmul__ __rsub__ __rdiv__ __rpow__
__rmatmul__ __rmod__ double float long
""".split()

# Differences on purpose, each with its reason.
ACCEPTED = {
    # `out` may be resized here, so that it does not share memory with the index any more
    ("gather", "must be refused:"),
}
# Equal integers: which of them comes first is not defined there.
TIES = {("topk", torch.int64), ("sort", torch.bool), ("argsort", torch.bool)}


def operations():
    return opinfo.entries(NAMES)


def complaints(op, dtype, **options):
    torch.manual_seed(0)
    for kind, sample, check in opinfo.checks(op, dtype, **options):
        try:
            wrong = check()
        except opinfo.OutOfSurface:
            continue
        if wrong and not wrong.startswith("NOTE") and (op.name, kind) not in ACCEPTED:
            yield f"{kind} {opinfo.full_name(op)}({opinfo.describe(sample)}): {wrong}"


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
