"""PyTorch's own tables of modules and functions: every sample of those that minicnn has agrees, every refused input is refused."""

import pytest

from minicnn.nn import functional

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
moduleinfo = pytest.importorskip("helpers.moduleinfo")
opinfo = pytest.importorskip("helpers.opinfo")


def test_the_table_is_not_empty():
    assert len(moduleinfo.entries()) > 40


@pytest.mark.parametrize("info", moduleinfo.entries(), ids=lambda info: info.name)
def test_module_agrees_with_pytorch(info):
    counts = moduleinfo.run(info)
    assert counts["passed"] > 0 and not counts["failed"]


RANDOM = {"nn.functional.dropout", "nn.functional.dropout2d"}           # other numbers than PyTorch's, on purpose


def functions():
    """The entries of PyTorch's table of functions whose namesake is in minicnn.nn.functional."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [op for op in op_db if op.name.startswith("nn.functional.") and op.name not in RANDOM
            and hasattr(functional, op.name.rpartition(".")[2])]


@pytest.mark.parametrize("op", functions(), ids=opinfo.full_name)
def test_function_agrees_with_pytorch(op):
    assert opinfo.run(op, torch.float64, "function", reference=False, verbose=0)["failed"] == 0
