"""Runs one program, a function of the library, with PyTorch and with minicnn."""

import pytest

import minicnn

torch = pytest.importorskip("torch")


def outcome(function, library):
    """What a program returns, as nested lists of numbers; or the name of the exception that PyTorch would call it."""
    try:
        return plain(function(library))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return {k.__name__ for k in (RuntimeError, ValueError, TypeError, IndexError) if isinstance(error, k)}


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return float(f"{value:.5g}") if isinstance(value, float) else value


def assert_same_as_pytorch(function):
    """Both return the same; or both refuse, minicnn with an exception that `except` for PyTorch's would catch."""
    expected, found = outcome(function, torch), outcome(function, minicnn)
    if isinstance(expected, set):
        assert isinstance(found, set) and expected <= found, f"PyTorch raises {expected}, minicnn gives {found}"
    else:
        assert found == expected


def x_of(t, *values):
    return t.tensor(values or (1.0, 2.0, 3.0), requires_grad=True)
