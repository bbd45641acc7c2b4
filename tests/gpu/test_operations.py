"""Every elementary operation on "cuda": values and gradients are PyTorch's, for its own sample inputs."""

import pytest

torch = pytest.importorskip("torch")
opinfo = pytest.importorskip("helpers.opinfo")

from helpers.operations import complaints, functions, operations  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]

# Libraries of CUDA's that are not simulated do the work.
NOT_SIMULATED = {"sort": "Thrust sorts", "argsort": "Thrust sorts", "topk": "Thrust sorts", "norm.nuc": "cuSOLVER decomposes"}


@pytest.fixture(autouse=True)
def on_cuda(monkeypatch):
    monkeypatch.setattr(opinfo, "DEVICE", "cuda")


def marked(op):
    reason = NOT_SIMULATED.get(opinfo.full_name(op))
    return pytest.param(op, id=opinfo.full_name(op), marks=pytest.mark.real_gpu(reason) if reason else ())


@pytest.mark.parametrize("op", [marked(op) for op in operations() + functions()])
def test_values_gradients_and_refusals(op):
    assert not list(complaints(op, torch.float64))
