"""Detection of a GPU, with a fake `cupy` for each thing that can be missing: what is said, and that nothing else fails for it."""

import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

import minicnn
from minicnn import arrays, cuda, detection
from minicnn.errors import BadValue, DeviceError


class CUDARuntimeError(RuntimeError):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def fake(driver=12090, runtime=12090, devices=1, status=None, nvrtc=None, kernel=None, gemm=None):
    """A `cupy` whose parts fail as asked for: with the error that stands for a part."""
    cupy, stream = ModuleType("cupy"), SimpleNamespace(synchronize=lambda: None)
    cupy.__version__, cupy.ndarray = "14.2.0", type("ndarray", (), {"dot": failing(gemm) if gemm else lambda self, other: self})
    error = None if status is None else CUDARuntimeError(status, f"cudaError{status}: no good\nsecond line")
    cupy.cuda = SimpleNamespace(
        runtime=SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError, getDeviceCount=failing(error) if error else lambda: devices,
            driverGetVersion=lambda: driver, runtimeGetVersion=lambda: runtime, memGetInfo=lambda: (10**9, 2 * 10**9),
            getDeviceProperties=lambda _: {"name": b"Fake GPU", "major": 8, "minor": 9}),
        nvrtc=SimpleNamespace(getVersion=failing(nvrtc) if nvrtc else lambda: (12, 9)), get_current_stream=lambda: stream)
    cupy.zeros = cupy.ones = lambda *_: cupy.ndarray()
    cupy.ElementwiseKernel = failing(kernel) if kernel else lambda *_: lambda x: x
    return cupy


@pytest.fixture
def pretend(monkeypatch):
    """Put a fake in CuPy's place."""
    def put(module):
        monkeypatch.setitem(sys.modules, "cupy", module)
        monkeypatch.setattr(arrays, "_TRIED", [])

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return put


MISSING = ImportError('Failure finding "libcublasLt.so.12": No such file\nand so on')


@pytest.mark.parametrize("options, said", [
    ({"driver": 0, "status": 35}, "CuPy 14.2.0 is installed, but there is no NVIDIA driver; install the driver of the GPU"),
    ({"driver": 11040, "status": 35}, "the NVIDIA driver is too old: it is for CUDA 11.4, and CuPy 14.2.0 needs one for CUDA 12.9; update the driver"),
    ({"driver": 12080, "runtime": 13000, "status": 35},
     "it is for CUDA 12.8, and CuPy 14.2.0 needs one for CUDA 13.0; update the driver, or pip install 'cupy-cuda12x[ctk]' in place of this"),
    ({"status": 100}, "the CUDA driver shows no device; `nvidia-smi` must list one"),
    ({"devices": 0}, "the CUDA driver shows no device; `nvidia-smi` must list one"),
    ({"status": 999}, "CuPy 14.2.0 is installed, but the CUDA driver does not answer (cudaError999: no good); try `nvidia-smi`"),
    ({"nvrtc": MISSING}, "the GPU is there, but NVRTC, CUDA's compiler cannot be used (Failure finding"),
    ({"kernel": RuntimeError("cannot open source file \"cuda_fp16.h\"")}, "a kernel compiled by NVRTC with CUDA's headers cannot be used (cannot open"),
    ({"gemm": MISSING}, "cuBLAS, CUDA's matrix products cannot be used (Failure finding \"libcublasLt.so.12\": No such file); install CUDA's "
     "libraries by: pip install 'cupy-cuda12x[ctk]'"),
    ({"gemm": RuntimeError(), "runtime": 13000}, "(RuntimeError); install CUDA's libraries by: pip install 'cupy-cuda13x[ctk]'"),
], ids=str)
def test_each_failure_says_what_is_missing(pretend, options, said):
    pretend(fake(**options))
    reason = cuda.why_not_available()
    assert said in reason and "\n" not in reason and not cuda.is_available() and cuda.device_count() == 0
    with pytest.raises(DeviceError) as caught:
        minicnn.ones(2).to("cuda")
    assert str(caught.value) == f"no usable GPU: {reason}"


@pytest.mark.parametrize("value", ["", "-1"])
@pytest.mark.parametrize("options", [{"status": 100}, {"devices": 0}])
def test_devices_that_are_hidden(pretend, monkeypatch, value, options):
    pretend(fake(**options))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert f"CUDA_VISIBLE_DEVICES is {value!r}; unset it" in cuda.why_not_available()


@pytest.mark.parametrize("driver, said", [
    (0, "CuPy is not installed, and there is no NVIDIA driver on this machine"), (11080, "the NVIDIA driver is too old for it: it is for CUDA 11.8"),
    (12040, "the NVIDIA driver is for CUDA 12.4, so: pip install 'cupy-cuda12x[ctk]'"), (13010, "so: pip install 'cupy-cuda13x[ctk]'")])
def test_without_cupy(pretend, monkeypatch, driver, said):
    pretend(None)                                           # as Python marks a module that cannot be imported
    monkeypatch.setattr(detection, "_cuda_of_the_driver", lambda: driver)
    assert said in cuda.why_not_available()


def test_a_cupy_that_cannot_be_imported(pretend, monkeypatch, tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('libnvrtc is torn')")
    monkeypatch.syspath_prepend(tmp_path)
    pretend(None)
    monkeypatch.delitem(sys.modules, "cupy")
    assert "CuPy is installed, but cannot be imported (libnvrtc is torn); uninstall all CuPy packages" in cuda.why_not_available()


def test_a_usable_gpu_is_tried_once(pretend):
    module = fake()
    pretend(module)
    assert cuda.is_available() and cuda.device_count() == 1 and cuda.current_device() == 0
    module.ElementwiseKernel = failing(AssertionError("tried again"))
    assert cuda.is_available() and cuda.why_not_available() is None
    assert cuda.get_device_name() == cuda.get_device_name("cuda:0") == "Fake GPU" and cuda.get_device_capability(0) == (8, 9)
    assert not cuda.is_simulated() and cuda.mem_get_info() == (10**9, 2 * 10**9)
    assert cuda.get_versions() == ("12.9", "12.9")
    with pytest.raises(BadValue, match="one GPU, number 0 or 'cuda'; got 1"):
        cuda.get_device_name(1)


def test_without_a_gpu_the_rest_answers(pretend):
    pretend(fake(devices=0))
    assert cuda.memory_allocated() == cuda.memory_reserved() == cuda.max_memory_allocated() == 0
    cuda.synchronize(), cuda.empty_cache(), cuda.reset_peak_memory_stats(), cuda.manual_seed(1), cuda.set_device(0)
    for ask in (cuda.current_device, cuda.get_device_name, cuda.Event):
        with pytest.raises(DeviceError, match="no usable GPU: the CUDA driver shows no device"):
            ask()


def test_cupy_is_not_imported_before_it_is_asked_for():
    code = ("import sys, minicnn as m; x = m.ones(1, 1, 4, 4); m.nn.functional.max_pool2d(m.nn.Conv2d(1, 2, 3)(x), 2).sum().backward(); "
            "print('cupy' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
