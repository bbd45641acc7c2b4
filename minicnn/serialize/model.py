"""Models as files that need no Python class: traced, written with their weights, and read back as a module that can be trained."""

import numpy as np

from ..errors import BadType, BadValue, DataError, Error
from ..graph.module import GraphModule
from ..graph.trace import trace
from ..tensor import Tensor, wrap
from .. import arrays
from . import graph as words


FREE = 64                       # pixels, where a graph takes images of any size
MISFITS = TypeError, ValueError, LookupError, AttributeError, ArithmeticError, MemoryError


def graph_of(model, example=None, metadata=None, **options):
    """The Graph of a model with what is to be known about it.

    example   an input, as a tensor or an array with a batch axis; a tuple of several; or the shape of one example, such as (3, 32, 32).
              None: the model says it, by its `input_shape` or the graph that it was loaded from
    metadata  JSON-ready, {"classes": [...], "mean": [...], "std": [...]}; None: that of the graph that it was loaded from
    options   of `graph.trace`

    Raises BadValue without an example; as `graph.trace` does.
    """
    found = trace(model, *examples(model, example), **options)
    own = model.graph.metadata if isinstance(model, GraphModule) else {}
    found.metadata = check_metadata(dict(own if metadata is None else metadata))
    found.name = model.graph.name if isinstance(model, GraphModule) else found.name
    return found


def examples(model, example):
    """The tuple of inputs that an example stands for."""
    if example is None:
        example = _usual(model)
    if isinstance(example, Tensor) or arrays.is_array(example):
        return (example,)
    if not isinstance(example, (tuple, list)) or not example:
        raise BadType(f"an example is an input, a tuple of inputs, or a shape such as (3, 32, 32); got {type(example).__name__}")
    if all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in example):
        return (_noise(example, _dtype(model)),)
    return tuple(example)


def _usual(model):
    """What a model is made for."""
    if isinstance(model, GraphModule):
        return tuple(_noise([n if isinstance(n, int) else FREE for n in (value.shape or ())[1:]], np.dtype(value.dtype))
                     for value in model.graph.inputs)
    shape = getattr(model, "input_shape", None)
    if shape is None:
        raise BadValue(f"which input does {type(model).__name__} take? Give an example: save(model, path, (3, 32, 32)), the shape without "
                       "the batch axis, or save(model, path, x)")
    return shape


def _dtype(model):
    first = next(model.parameters(), None)
    return arrays.float32 if first is None else first.dtype


def _noise(shape, dtype):
    """Two examples of a shape: numbers that no operation treats as a special case."""
    draw = np.random.default_rng(0)
    numbers = draw.standard_normal((2, *shape)) if dtype.kind == "f" else draw.integers(0, 2, (2, *shape))
    return wrap(numbers.astype(dtype))


def check_metadata(metadata):
    """Refuse what a file could not hold."""
    def check(value):
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {key: check(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [check(part) for part in value]
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, (str, int, float, bool, type(None))) and value == value and value not in (float("inf"), -float("inf")):
            return value
        raise BadType(f"metadata holds strings, finite numbers, bool, None, lists and dicts of these, not {value!r:.80}")
    return check(metadata)


def encode(model, example, metadata):
    """(document, [arrays]) of a model."""
    return words.encode(graph_of(model, example, metadata))


def decode(document, tensors, map_location):
    """The module of a document, in evaluation mode. Raises DataError for anything that `encode` cannot have written."""
    graph = words.decode(document, tensors)
    try:
        module = GraphModule(graph)
    except (Error, *MISFITS) as error:                  # attributes of a kind that a layer cannot be made with
        raise DataError(f"its graph cannot be built: {error}") from None
    return module if map_location is None else module.to(map_location)
