"""Every module on "cuda": outputs, gradients, buffers and refusals are PyTorch's, for its own sample inputs."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
opinfo, moduleinfo = pytest.importorskip("helpers.opinfo"), pytest.importorskip("helpers.moduleinfo")

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("info", moduleinfo.entries(), ids=lambda info: info.name)
def test_module_agrees_with_pytorch(info, monkeypatch):
    monkeypatch.setattr(opinfo, "DEVICE", "cuda")
    counts = moduleinfo.run(info)
    assert counts["passed"] > 0 and not counts["failed"]
