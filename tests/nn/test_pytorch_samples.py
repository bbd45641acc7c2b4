"""PyTorch's own tables of modules and functions: every sample of those that minicnn has agrees, every refused input is refused."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
moduleinfo = pytest.importorskip("helpers.moduleinfo")
opinfo = pytest.importorskip("helpers.opinfo")

from helpers.operations import functions  # noqa: E402


def test_the_table_is_not_empty():
    assert len(moduleinfo.entries()) > 40


@pytest.mark.parametrize("info", moduleinfo.entries(), ids=lambda info: info.name)
def test_module_agrees_with_pytorch(info):
    counts = moduleinfo.run(info)
    assert counts["passed"] > 0 and not counts["failed"]


@pytest.mark.parametrize("op", functions(), ids=opinfo.full_name)
def test_function_agrees_with_pytorch(op):
    assert opinfo.run(op, torch.float64, "function", reference=False, verbose=0)["failed"] == 0
