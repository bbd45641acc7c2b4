"""Saving and loading: `minicnn.save` and `minicnn.load` for state dicts, tensors and checkpoints, and for whole models.

The file is `container.py`'s; how nested values are put into words is `state.py`'s. A file from a stranger can do no harm:
nothing in it is ever run, and what minicnn cannot have written is refused.
"""

import os

from .. import arrays
from ..errors import BadType, DataError
from ..nn import Module
from . import container, state

__all__ = ["load", "save"]

OTHERS = {".onnx": "minicnn.onnx.load", **dict.fromkeys((".pth", ".pt", ".safetensors", ".npz"), "minicnn.models.load_weights")}


def save(obj, f, example=None, *, metadata=None):
    """Save a model, or a state: tensors, arrays, numbers, strings, bool and None in dicts, lists and tuples of any nesting.

    obj       for instance `model.state_dict()`, or a checkpoint of several; every dtype, shape and bit is kept. Or the model itself: it is
              run on an example and written as a graph of operations, which `load` turns into a module without the Python class
    f         a path, whose file is replaced in one step (a full disk or Ctrl-C leaves the old one whole), or a file opened for
              writing in binary mode
    example   of a model: the shape of one input such as (3, 32, 32), or an input with a batch axis (a tuple of several). The models
              of `minicnn.models` and those that were loaded need none
    metadata  of a model: what is to be known about it, JSON-ready, such as {"classes": [...], "mean": [...], "std": [...]}

    Tensors that share one array are stored once. A NumPy scalar becomes Python's number of the same value.
    Raises BadType for what a file cannot hold, and says where in `obj` it stands; GraphError for a model that is no one graph (see
    `graph.trace`).
    """
    if isinstance(obj, Module):
        from . import model

        return container.write(f, *model.encode(obj, example, metadata))
    if example is not None or metadata is not None:
        raise BadType("example and metadata belong to a model; of a state, put everything into the dict")
    return container.write(f, *state.encode(obj))


def load(f, map_location=None, *, weights_only=True, mmap=False):
    """Load what `save` wrote; a model as a module in evaluation mode, which can be trained further.

    f             a path, or a file opened for reading in binary mode
    map_location  "cpu", "cuda" or a device: where the tensors go; a dict gives it for each device that they were saved
                  on; None: that device itself
    weights_only  as in PyTorch; it changes nothing, since such a file holds nothing that could be run
    mmap          leave the tensors on the disk until they are used (a path only); their checksums are not checked then

    Raises DataError, naming the file and the reason, for anything that `save` cannot have written or that was damaged
    since; DeviceError where a tensor's device is not there.
    """
    check_map_location(map_location)
    document, tensors = _read(f, mmap)
    with container.naming(container.name_of(f)):
        if document.get("kind") == "graph":
            from . import model

            return model.decode(document, tensors, map_location)
        if document.get("kind") != "state":
            raise DataError(f"it holds a {str(document.get('kind'))!r:.40}, this minicnn reads a 'state' and a 'graph'")
        return state.decode(document, tensors, map_location)


def _read(f, mmap):
    try:
        return container.read(f, memory_map=mmap)
    except DataError as error:
        reader = OTHERS.get(os.path.splitext(str(container.name_of(f)))[1].lower())
        if reader is None:
            raise
        raise DataError(f"{error}; {reader} reads files of this kind") from None


def check_map_location(where):
    if not isinstance(where, (type(None), str, arrays.device, dict)):
        raise BadType(f"map_location must be None, a device, its name or a dict of these, got {type(where).__name__}")
    for place in where.values() if isinstance(where, dict) else [where or "cpu"]:
        arrays.device(place)
