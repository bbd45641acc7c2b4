"""An .onnx file -> a network that computes, trains and is saved like any other."""

from ..errors import DataError, Error, UnsupportedOperator
from ..graph.module import GraphModule
from ..graph.simplify import simplify
from ..serialize.container import name_of
from .parameters import trained
from .read import read


def load(f):
    """The network in an .onnx file, as a `GraphModule` in evaluation.

    f  a path, or a file opened for reading in binary mode. External data is read from the model's folder only, and only with a path.

    What PyTorch, Keras and tf2onnx export for image networks, opset 6 to 22: inputs and outputs are shaped as in the file, batches may
    have any size where the file leaves it free. The layers are `nn` layers where there are such, and the parameters have the file's names.
    Half precision is computed in float32. The file is not trusted: see `read.py`.

    Raises UnsupportedOperator, whose `operators` lists every one that cannot be computed; DataError, naming the file, the node and the
    reason, for a file that is damaged, describes no network, or would take too much memory.
    """
    graph = read(f)
    try:
        simplify(graph)
        graph.parameters = trained(graph)
        return GraphModule(graph)
    except UnsupportedOperator as error:
        raise UnsupportedOperator(error.operators, f" ({name_of(f)})") from None
    except (Error, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError) as error:
        raise DataError(f"{name_of(f)}: {error}") from error
    except MemoryError:
        raise DataError(f"{name_of(f)}: there is not enough memory for the network that it describes") from None
