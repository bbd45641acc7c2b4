"""Which entries of PyTorch's table of operations minicnn is held against, and what is wrong with one."""

import torch

from minicnn.nn import functional

from . import opinfo

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


DRAWN = {"nn.functional.dropout", "nn.functional.dropout2d"}           # other numbers than PyTorch's, on purpose


def functions():
    """The entries of PyTorch's table of functions whose namesake is in minicnn.nn.functional."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [op for op in op_db if op.name.startswith("nn.functional.") and op.name not in DRAWN
            and hasattr(functional, op.name.rpartition(".")[2])]
