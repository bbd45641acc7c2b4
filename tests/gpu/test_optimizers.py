"""Every optimizer on "cuda": 25 steps under each of the options in PyTorch's own table."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
opinfo, optiminfo = pytest.importorskip("helpers.opinfo"), pytest.importorskip("helpers.optiminfo")

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("info", optiminfo.entries(), ids=lambda info: info.optim_cls.__name__)
def test_optimizer_agrees_with_pytorch(info, monkeypatch):
    monkeypatch.setattr(opinfo, "DEVICE", "cuda")
    counts = optiminfo.run(info)
    assert counts["passed"] > 5 and not counts["failed"]
