"""Runs one piece of code with PyTorch and with minicnn, and compares what comes out."""

import warnings

import numpy as np
import torch

import minicnn
import minicnn.nn
import minicnn.optim

LIBRARIES = (torch, minicnn)


def outcome(scenario, library):
    """What scenario(library) returned, in plain Python and NumPy; or the exception that it raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(scenario(library))
        except Exception as error:
            return error


def assert_same(scenario, rtol=1e-6, atol=1e-8):
    """Both libraries return the same, or both refuse, minicnn with an exception that `except` for PyTorch's would catch."""
    theirs, ours = (outcome(scenario, library) for library in LIBRARIES)
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"PyTorch refuses ({theirs!r}), minicnn returned {ours!r}"
        accepted = (ValueError, TypeError, RuntimeError, IndexError)
        assert isinstance(ours, accepted if isinstance(theirs, (*accepted, AssertionError, ZeroDivisionError)) else type(theirs)), \
            f"PyTorch raises {theirs!r}, minicnn raises {ours!r}"
        assert str(ours), "an error says what is wrong"
        return
    if isinstance(ours, Exception):
        raise ours
    compare(ours, theirs, rtol, atol)


def assert_both_refuse(scenario):
    assert isinstance(outcome(scenario, torch), Exception), "PyTorch does not refuse this"
    assert_same(scenario)


def plain(value):
    """Tensors as arrays, modules as their text, shapes as tuples, dtypes and devices as strings; containers item by item."""
    if isinstance(value, (torch.Tensor, minicnn.Tensor)):
        return np.asarray(value.detach().cpu().numpy())
    if isinstance(value, (torch.nn.Module, minicnn.nn.Module)):
        return repr(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) or hasattr(value, "__next__"):
        return [plain(item) for item in value]
    if isinstance(value, (torch.dtype, np.dtype)):
        return str(value).replace("torch.", "")
    return value


def compare(ours, theirs, rtol=1e-6, atol=1e-8, where="result"):
    """Assert that two plain outcomes are equal: text exactly, numbers within rtol of the largest, order of keys included."""
    if isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray), f"{where}: {ours!r}"
        assert ours.dtype == theirs.dtype, f"{where}: dtype {ours.dtype}, PyTorch has {theirs.dtype}"
        assert ours.shape == theirs.shape, f"{where}: shape {ours.shape}, PyTorch has {theirs.shape}"
        scale = np.abs(theirs).max() if theirs.size and theirs.dtype.kind == "f" else 0
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol + rtol * scale, err_msg=where)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), f"{where}: keys {list(ours)}, PyTorch has {list(theirs)}"
        for key in theirs:
            compare(ours[key], theirs[key], rtol, atol, f"{where}[{key!r}]")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), f"{where}: {ours}, PyTorch has {theirs}"
        for index, (mine, other) in enumerate(zip(ours, theirs)):
            compare(mine, other, rtol, atol, f"{where}[{index}]")
    else:
        assert ours == theirs, f"{where}: {ours!r}, PyTorch has {theirs!r}"
