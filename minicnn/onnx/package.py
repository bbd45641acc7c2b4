"""The `onnx` package, imported when it is first needed: `import minicnn` does without."""

from ..errors import Error


class MissingPackage(Error, ImportError):
    """An optional package is needed that is not installed; the message says how to install it."""


def onnx_package():
    """The module `onnx`. Raises MissingPackage where it is not installed."""
    try:
        import onnx
    except ImportError:
        raise MissingPackage('ONNX files need the package onnx: pip install "minicnn[onnx]"') from None
    return onnx
