"""A model -> an .onnx file, which other programs run."""

from ..errors import BadType, BadValue, DataError
from ..graph.batch import BATCH
from ..graph.ir import OPSET
from ..serialize.atomic import replacing
from ..serialize.container import check_binary, is_path
from ..serialize.model import graph_of
from . import lower_layers, lower_pointwise, lower_tensors  # noqa: F401  (their rules take part)
from .lower import lowered
from .package import onnx_package
from .preprocess import take_images
from .write import model_of, used_initializers

MAX_BYTES = 2**31 - 2**24               # of weights: a protocol buffer's message has at most 2³¹ - 1, and the nodes need some


def export(model, args=None, f=None, *, export_params=True, verbose=None, input_names=None, output_names=None, opset_version=None,
           do_constant_folding=True, dynamic_axes=None, metadata=None, preprocessing=None):
    """Write a model, in evaluation mode, as ONNX (opset 17, IR 8).

    args           example inputs, a tensor or a tuple of them; or the shape of one input without the batch axis; None: what the model
                   was made for
    f              a path, which is replaced in one step, or a file opened for writing in binary mode; None: only return the model
    input_names, output_names    "input" and "output" unless given
    opset_version  None or 17
    dynamic_axes   as in PyTorch, {"input": {0: "batch"}}: which axes have any length. Here that is the batch, and it is so unless
                   `dynamic_axes={}` fixes it as well
    metadata       {"classes": [...], "mean": [...], "std": [...]}, kept in the file's properties
    preprocessing  put the normalisation into the graph, which then takes images uint8 0..255: "NCHW" or "NHWC" says in which order.
                   It is (x / 255 - mean) / std with the metadata's mean and std of each channel

    export_params, verbose and do_constant_folding are accepted as in PyTorch: weights are always in the file, nothing is printed, and what
    does not depend on the input is computed.

    Nodes are named like the modules, initializers like the state_dict. Returns the onnx.ModelProto; onnx.checker and strict shape
    inference have passed it. Raises UnsupportedOperator, whose `operators` lists all that ONNX cannot express; GraphError as `graph.trace`;
    MissingPackage where `onnx` is not installed.
    """
    onnx = onnx_package()
    if opset_version not in (None, OPSET) or not export_params:
        raise BadValue(f"opset_version must be {OPSET} and export_params True, got {opset_version!r} and {export_params!r}")
    batch = batch_name(dynamic_axes)
    graph = lowered(graph_of(model, args, metadata, dynamic_batch=batch is not None, input_names=input_names, output_names=output_names))
    if preprocessing is not None:
        take_images(graph, preprocessing)
    rename_batch(graph, batch)
    check(graph, onnx)
    proto = model_of(graph)
    if f is not None:
        write(proto.SerializeToString(), f)
    return proto


def check(graph, onnx):
    """What we write must be valid ONNX, its shapes what onnx works out for itself, and not too large."""
    size = sum(array.nbytes for array in used_initializers(graph).values())
    if size > MAX_BYTES:
        raise BadValue(f"the weights take {size:,} bytes; an .onnx file holds at most {MAX_BYTES:,}")
    try:
        onnx.checker.check_model(model_of(graph, without_weights=True), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise DataError(f"onnx refuses the model: {error}") from None


def write(data, f):
    if is_path(f):
        with replacing(f) as file:
            file.write(data)
    else:
        check_binary(f, "write").write(data)


# The batch ---------------------------------------------------------------------------------------------------------------


def batch_name(dynamic_axes):
    """The name of the batch axis's length; None where it is fixed."""
    if dynamic_axes is None:
        return BATCH
    if not isinstance(dynamic_axes, dict):
        raise BadType(f'dynamic_axes must be like {{"input": {{0: "batch"}}}}, got {dynamic_axes!r}')
    found = set()
    for name, axes in dynamic_axes.items():
        named = axes if isinstance(axes, dict) else dict.fromkeys(axes, BATCH)
        if set(named) - {0}:
            raise BadValue(f"only the batch, axis 0, can have any length; dynamic_axes names {sorted(named)} of {name!r}. Export a model "
                           "for each size of images")
        found.update(named.values())
    if len(found) > 1:
        raise BadValue(f"all inputs and outputs have one batch; dynamic_axes calls it {sorted(found)}")
    return found.pop() if found else None


def rename_batch(graph, name):
    for value in (*graph.inputs, *graph.outputs):
        value.shape = tuple(name if n == BATCH else n for n in value.shape)
