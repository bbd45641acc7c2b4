"""Why there is no usable GPU: one sentence that says what is missing and what to install. Steps in the order in which things can fail."""

import os

NO_DEVICE, DRIVER_TOO_OLD = 100, 35         # CUDA's numbers of these errors


def why_no_cupy():
    """None where CuPy can be imported (and has been, then)."""
    try:
        import cupy  # noqa: F401
    except ModuleNotFoundError as error:
        return _without_cupy(_cuda_of_the_driver()) if error.name == "cupy" else _not_importable(error)
    except Exception as error:              # whatever else an installation that is out of joint may raise
        return _not_importable(error)
    return None


def why_no_device(cupy):
    """None where the driver answers and shows a device."""
    runtime = cupy.cuda.runtime
    try:
        return None if runtime.getDeviceCount() else _nothing_visible()
    except runtime.CUDARuntimeError as error:
        driver = _number(runtime.driverGetVersion)
        if not driver:
            return (f"CuPy {cupy.__version__} is installed, but there is no NVIDIA driver; install the driver of the GPU and try "
                    "`nvidia-smi`, which must list it")
        if error.status == DRIVER_TOO_OLD:
            return _too_old(cupy, driver)
        if error.status == NO_DEVICE:
            return _nothing_visible()
        return f"CuPy {cupy.__version__} is installed, but the CUDA driver does not answer ({_first_line(error)}); try `nvidia-smi`"


def why_no_libraries(cupy):
    """None where a kernel of one line and a small matrix product can be computed."""
    for part, attempt in (
        ("NVRTC, CUDA's compiler", lambda: cupy.cuda.nvrtc.getVersion()),
        ("a kernel compiled by NVRTC with CUDA's headers", lambda: _compute(cupy)),
        ("cuBLAS, CUDA's matrix products", lambda: _multiply(cupy)),
    ):
        try:
            attempt()
        except Exception as error:          # ImportError, RuntimeError, and CuPy's own, by what is missing
            return (f"the GPU is there, but {part} cannot be used ({_first_line(error)}); install CUDA's libraries by: "
                    f"pip install '{_package(_number(cupy.cuda.runtime.runtimeGetVersion))}'")
    return None


def _compute(cupy):
    cupy.ElementwiseKernel("float32 x", "float32 y", "y = x + 1", "minicnn_try")(cupy.zeros(1, "float32"))
    cupy.cuda.get_current_stream().synchronize()            # an error of the GPU's own shows when it is waited for


def _multiply(cupy):
    one = cupy.ones((2, 2), "float32")
    one.dot(one)
    cupy.cuda.get_current_stream().synchronize()


# The sentences -------------------------------------------------------------------------------------------------------------


def _without_cupy(cuda):
    """By what CUDA the driver is for, such as 12090; 0 where there is no driver."""
    if not cuda:
        return ("CuPy is not installed, and there is no NVIDIA driver on this machine; with a GPU and its driver, pip install "
                "'cupy-cuda12x[ctk]' (for CUDA 12, see `nvidia-smi`) or 'cupy-cuda13x[ctk]' (for CUDA 13)")
    if cuda < 12000:
        return (f"CuPy is not installed, and the NVIDIA driver is too old for it: it is for CUDA {dotted(cuda)}; update it, then "
                "pip install 'cupy-cuda12x[ctk]' or 'cupy-cuda13x[ctk]'")
    return f"CuPy is not installed; the NVIDIA driver is for CUDA {dotted(cuda)}, so: pip install '{_package(cuda)}'"


def _not_importable(error):
    return (f"CuPy is installed, but cannot be imported ({_first_line(error)}); uninstall all CuPy packages (`pip list` shows them), then "
            "pip install 'cupy-cuda12x[ctk]' or 'cupy-cuda13x[ctk]', by the CUDA that `nvidia-smi` names")


def _too_old(cupy, driver):
    needed = _number(cupy.cuda.runtime.runtimeGetVersion)
    other = f", or pip install '{_package(driver)}' in place of this CuPy" if 12000 <= driver < needed // 1000 * 1000 else ""
    return (f"the NVIDIA driver is too old: it is for CUDA {dotted(driver)}, and CuPy {cupy.__version__} needs one for CUDA "
            f"{dotted(needed)}; update the driver{other}")


def _nothing_visible():
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None:
        return f"the CUDA driver shows no device, since CUDA_VISIBLE_DEVICES is {hidden!r}; unset it, or set it to the number of a GPU"
    return "the CUDA driver shows no device; `nvidia-smi` must list one (in a container: start it with access to the GPU)"


def _package(cuda):
    return f"cupy-cuda{13 if cuda >= 13000 else 12}x[ctk]"


def dotted(version):
    """12090 -> 12.9"""
    return f"{version // 1000}.{version % 1000 // 10}"


def _first_line(error):
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _number(function):
    """What the function says; 0 where it fails."""
    try:
        return function()
    except Exception:
        return 0


def _cuda_of_the_driver():
    """The CUDA that the installed driver is for, such as 12090, asked of the driver itself; 0 where there is none."""
    import ctypes

    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        version = ctypes.c_int()
        return version.value if driver.cuDriverGetVersion(ctypes.byref(version)) == 0 else 0
    except (OSError, AttributeError):
        return 0
