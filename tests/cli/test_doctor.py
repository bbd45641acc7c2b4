"""`minicnn doctor` tells what there is, and why not the rest; it fails for nothing that is missing."""

import pytest
from helpers.commands import run

from minicnn import cuda, kernels
from minicnn.cli import doctor


def told():
    result = run("doctor")
    assert result.exit_code == 0
    return result.output


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr(cuda, "why_not_available", lambda: "CuPy is not installed; pip install 'cupy-cuda12x[ctk]'")
    output = told()
    for text in ("minicnn", "numpy", "numba", "threads", "why                CuPy is not installed; pip install 'cupy-cuda12x[ctk]'\n"):
        assert text in output


def test_with_compiled_kernels(monkeypatch):
    pytest.importorskip("numba")
    output = told()
    assert "yes, for vectors of" in output and str(kernels.folder()) in output and "instructions" in output
    monkeypatch.setattr(kernels, "folder", lambda: None)
    assert "set NUMBA_CACHE_DIR" in told()


def test_without_compiled_kernels(monkeypatch):
    monkeypatch.setattr(kernels, "why_not_compiled", lambda: "No module named 'numba'")
    assert "none, the array kernels are used: No module named 'numba'" in told()


@pytest.mark.parametrize("simulated, said", [(False, "usable             yes\n"), (True, "no, it is simulated on the CPU, for tests")])
def test_with_a_gpu(monkeypatch, simulated, said):
    for name, value in {"why_not_available": None, "get_device_name": "Fake GPU", "get_device_capability": (8, 9), "is_simulated": simulated,
                        "mem_get_info": (6 * 10**9, 8 * 10**9), "get_versions": ("12.9", "13.0")}.items():
        monkeypatch.setattr(cuda, name, lambda value=value: value)
    output = told()
    assert said in output and "Fake GPU" in output and "8.9" in output and "8.0 GB, 6.0 GB free" in output
    assert "CUDA               12.9, the driver is for 13.0\n" in output


def test_a_package_that_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    assert "no-such-package    not installed" in told()
