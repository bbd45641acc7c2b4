"""Putting the parameters of a file into a model, and saying what did not fit."""

import os
import warnings

from ..errors import DataError
from ..serialize.weights import read_weights


def load_weights(model, path, strict=True):
    """Copy the parameters and buffers in a file into a model, by name. Returns {name: reason} of what was left as it is.

    path    a `.pth`, `.pt`, `.safetensors`, `.npz` or one of our own files: what `serialize.read_weights` reads
    strict  refuse a file that does not fit in every name and shape; else load what fits

    Raises DataError, with the names and the shapes, for what does not fit; then nothing has been copied.
    """
    return copy_weights(model, named_weights(path), path, strict)


def with_weights(model, path, num_classes=None, unused=()):
    """The model with the parameters of a file, if there is one. A head for another number of classes keeps its fresh values.

    num_classes  how many the model has: tensors whose first axis, and nothing else, differs from the file's for that are its head
    unused       beginnings of names that the file may have and the model does not

    Raises DataError as `load_weights` does; warns of a head that was kept.
    """
    if path is None:
        return model
    given = {name: array for name, array in named_weights(path).items() if not name.startswith(tuple(unused))}
    head = [name for name, tensor in model.state_dict().items() if name in given and _is_head(given[name].shape, tensor.shape, num_classes)]
    copy_weights(model, {**given, **{name: model.state_dict()[name] for name in head}}, path, strict=True)
    if head:
        warnings.warn(f"{os.fspath(path)} is for another number of classes: {', '.join(head)} keep their fresh values", stacklevel=3)
    return model


def _is_head(given, wanted, num_classes):
    return len(given) == len(wanted) > 0 and wanted[0] == num_classes != given[0] and tuple(given[1:]) == tuple(wanted[1:])


def named_weights(path):
    """{name: array} in a file. DataParallel and DistributedDataParallel put "module." before each name: it goes."""
    return {name.removeprefix("module."): array for name, array in read_weights(path).items()}


def copy_weights(model, given, path, strict=True):
    """As `load_weights`, of arrays by name that were read from the path."""
    misfits = _misfits({name: tuple(array.shape) for name, array in given.items()}, model.state_dict())
    if strict and misfits:
        listed = "\n".join(f"    {name} {reason}" for name, reason in misfits.items())
        raise DataError(f"{os.fspath(path)} does not fit {type(model).__name__}:\n{listed}\nstrict=False loads what fits")
    model.load_state_dict({name: array for name, array in given.items() if name not in misfits}, strict=False)
    return misfits


def _misfits(shapes, wanted):
    """{name: what is wrong with it}, in the model's order, then in the file's."""
    found = {}
    for name, tensor in wanted.items():
        if name not in shapes:
            if not name.endswith("num_batches_tracked"):                            # files from before PyTorch 0.4.1 have none
                found[name] = f"is not in the file; the model has shape {tuple(tensor.shape)}"
        elif shapes[name] != tuple(tensor.shape):
            found[name] = f"has shape {shapes[name]} in the file, {tuple(tensor.shape)} in the model"
    return found | {name: f"is not in the model; the file has shape {shape}" for name, shape in shapes.items() if name not in wanted}
