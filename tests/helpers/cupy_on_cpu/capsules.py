"""How a function of a compiled module of CuPy is replaced.

A Cython module offers its C functions to other modules as capsules in `__pyx_capi__`: a pointer, under the signature for a name. Whoever
is imported later takes the pointers from there. So a capsule with a pointer to another function and the same signature, put there
before, is what all of CuPy calls.
"""

import ctypes
import re

from .counters import errors

_api = ctypes.pythonapi
_api.PyCapsule_New.restype, _api.PyCapsule_New.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_GetName.restype, _api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]

TYPES = {"intptr_t": ctypes.c_ssize_t, "size_t": ctypes.c_size_t, "int": ctypes.c_int, "unsigned int": ctypes.c_uint,
         "float": ctypes.c_float, "uintmax_t": ctypes.c_uint64, "CUdevice": ctypes.c_int, "PyObject *": ctypes.py_object,
         "struct __pyx_obj_13cupy_backends_4cuda_3api_7runtime_PointerAttributes *": ctypes.py_object}
_kept = []              # capsules do not keep alive what they point at


def replace(module, functions):
    """Put Python functions in the place of a module's own; those that are not named refuse to be called.

    functions  {name: function}; a function gets the arguments of the C signature, without Cython's own
    """
    for name, capsule in list(module.__pyx_capi__.items()):
        signature = _api.PyCapsule_GetName(capsule)
        kinds = _types(signature.decode())
        if kinds:
            function = functions.get(name) or _refusal(f"{module.__name__}.{name}")
            module.__pyx_capi__[name] = _capsule(signature, *kinds, _safe(name, function))
            if hasattr(module, name) and name in functions:
                setattr(module, name, function)


def _types(signature):
    """(result, arguments, how many of these count) of a C signature; None for a variable, or a struct that is passed by value."""
    parts = re.fullmatch(r"(.*?) ?\((.*)\)", signature)
    if not parts:
        return None
    words = [] if parts[2] == "void" else parts[2].split(", ")
    given = [word for word in words if "__pyx_" not in word or word in TYPES]
    own = [ctypes.c_int if "skip_dispatch" in word else ctypes.c_void_p for word in words if word not in given]
    if not {parts[1], *given} <= TYPES.keys():
        return None
    return TYPES[parts[1]], [TYPES[word] for word in given] + own, len(given)


def _capsule(signature, result, arguments, count, function):
    called = ctypes.PYFUNCTYPE(result, *arguments)(lambda *given: function(*given[:count]))
    _kept.extend([called, signature])
    return _api.PyCapsule_New(ctypes.cast(called, ctypes.c_void_p).value, signature, None)


def _safe(name, function):
    """The function; what it raises is kept, for ctypes cannot pass it on to the caller."""

    def called(*given):
        try:
            return function(*given)
        except BaseException as error:
            errors.append((name, error))
            raise

    return called


def _refusal(name):
    def refuse(*given):
        raise NotImplementedError(f"{name} is not simulated")

    return refuse
