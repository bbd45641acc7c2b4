"""Using a trained network for something else: its features, another head, parts that stay as they are, rates that differ by layer.

The parts of a network are taken in the order in which they compute, which in every model here is the order in which they were
registered: what comes first sees edges and colours, which all pictures have; what comes last sees the
classes that it was trained for (Yosinski et al., "How transferable are features in deep neural networks?", NIPS 2014).

    path = models.replace_head(model, 5)        # five classes in place of a thousand, freshly initialised
    models.freeze(model, until=path)            # train nothing but that
    models.unfreeze(model, since="layer4")      # later, the last stage too
    optimizer = optim.SGD(models.layerwise_lr(model, lr=0.01, decay=0.8), momentum=0.9)
"""

from typing import NamedTuple

import numpy as np

from .. import arrays, nn
from ..autograd import no_grad
from ..errors import BadType, BadValue
from ..graph.module import GraphModule
from ..nn.batchnorm import _NormBase
from ..nn.convert import device_of
from ..nn.normalization import GroupNorm, LayerNorm
from ..tensor import Tensor, wrap

NORMS = (_NormBase, GroupNorm, LayerNorm)
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, GraphModule)
AUXILIARY = "aux"               # how the names of heads in the middle of a network begin, as in GoogLeNet


# Freezing --------------------------------------------------------------------------------------------------------------------


def freeze(model, until=None):
    """Keep a model's parameters as they are, all of them or those before the module with the path `until`, such as "layer4".

    Batch norm there keeps its running statistics and normalises by them, in training too: they belong to what the frozen layers
    compute, and on few images of another kind they would be worse than those that were learnt. Dropout is not touched.

    Raises BadValue where there is no such module.
    """
    for module in _split(model, until)[0]:
        _set_trained(module, False)
    model.train(model.training)


def unfreeze(model, since=None):
    """Have a model's parameters trained, all of them or those from the module with the path `since` on."""
    for module in _split(model, since)[1] if since is not None else model.modules():
        _set_trained(module, True)
    model.train(model.training)


def _split(model, path):
    """(modules before the one at a path, that one and all after it), by their own parameters; without a path, all are before."""
    modules = in_order(model)
    if path is None:
        return [module for _, module in modules], []
    places = [i for i, (name, _) in enumerate(modules) if name == path or name.startswith(f"{path}.")]
    if not path or not places:
        tops = ", ".join(name for name, _ in modules if name and "." not in name)
        raise BadValue(f"the model has no module {path!r}; its parts are {tops}")
    return [module for _, module in modules[: places[0]]], [module for _, module in modules[places[0] :]]


def in_order(model):
    """[(path, module)] of a model and everything below it; the layers of a graph, which are registered by name, as they compute."""
    found = list(model.named_modules())
    for prefix, graph in [(path, module) for path, module in found if isinstance(module, GraphModule)]:
        inside = [i for i, (path, _) in enumerate(found) if path.startswith(f"{prefix}." if prefix else "") and path != prefix]
        turns = {}
        for step in graph._steps:
            turns.setdefault(".".join([*[prefix] * bool(prefix), *(step.path or ())]), len(turns))
        if inside:
            ordered = sorted((found[i] for i in inside), key=lambda pair: turns.get(pair[0], -1))
            found[inside[0] : inside[-1] + 1] = ordered
    return found


def _set_trained(module, trained):
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad_(trained)
    if isinstance(module, _NormBase):
        module.frozen = not trained


# The head --------------------------------------------------------------------------------------------------------------------


def find_head(model):
    """The path of the layer that tells the classes apart: the last one with weights, which must be a Linear or a 1x1 Conv2d.

    Raises BadValue where the last layer with weights is another one, or the model is a single layer.
    """
    path, layer = _weighted(model)[-1]
    if not path or not _can_classify(layer):
        raise BadValue(f"the model ends with {type(layer).__name__} {path!r}, not with a Linear or a 1x1 Conv2d: name the layer that "
                       "tells the classes apart")
    return path


def replace_head(model, num_classes, layer=None):
    """Put a freshly initialised layer for so many classes in place of a model's head. Returns its path.

    layer  the path of the head; None: `find_head`

    Heads in the middle of the network that are called aux..., as in GoogLeNet, are replaced, too. Raises BadValue.
    """
    if isinstance(num_classes, bool) or not isinstance(num_classes, (int, np.integer)) or num_classes < 1:
        raise BadValue(f"num_classes must be a whole number of at least 1, got {num_classes!r}")
    path = find_head(model) if layer is None else layer
    classes = len(_layer_at(model, path).weight)
    others = [name for name, module in _weighted(model) if AUXILIARY in name.lower().partition(".")[0]
              and _can_classify(module) and len(module.weight) == classes]
    for name in {path, *others}:
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, _like(_layer_at(model, name), int(num_classes)))
    return path


def _weighted(model):
    """[(path, module)] of those with parameters of their own."""
    found = [(path, module) for path, module in in_order(model) if any(True for _ in module.parameters(recurse=False))]
    if not found:
        raise BadValue(f"{type(model).__name__} has no parameters")
    return found


def _can_classify(layer):
    return isinstance(layer, nn.Linear) or isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1


def _layer_at(model, path):
    layer = dict(model.named_modules()).get(path)
    if not _can_classify(layer):
        what = "no module" if layer is None else f"{type(layer).__name__}, not a Linear or a 1x1 Conv2d,"
        raise BadValue(f"there is {what} at {path!r}")
    return layer


def _like(layer, outs):
    """The layer with so many outputs, freshly initialised, where the old one's weights are."""
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        new = nn.Linear(layer.in_features, outs, bias)
    else:
        new = nn.Conv2d(layer.in_channels, outs, 1, layer.stride, layer.padding, bias=bias)
    return new.to(layer.weight).train(layer.training)


# Features --------------------------------------------------------------------------------------------------------------------


def features(model, data, layer=None, batch_size=64):
    """(N, D) as an ndarray: what a layer gives for N images, of an image (D, H, W) the average over its pixels.

    data        inputs (N, C, H, W) as a Tensor or ndarray; or batches of them, such as a DataLoader's. Batches (x, labels) give
                (features, labels (N,)), so that the order of a loader that shuffles is no riddle
    layer       the path of the layer; None: what the head gets (see `find_head`)
    batch_size  how many of an array are computed at once

    In evaluation mode, without gradients; the model is left as it was. Raises BadValue where there is no such layer.
    """
    watched = _Watched(model, layer)
    labels = []
    with watched, no_grad():
        for batch in _batches(data, batch_size):
            x, *rest = batch if isinstance(batch, (tuple, list)) else (batch,)
            labels += [np.asarray(as_numpy(y)) for y in rest[:1]]
            model(x.to(watched.device))
    found = np.concatenate(watched.found) if watched.found else np.zeros((0, 0), np.float32)
    return (found, np.concatenate(labels)) if labels else found


def _batches(data, size):
    if not isinstance(data, (Tensor, np.ndarray)):
        return data
    return (wrap(as_numpy(data)[i : i + size]) for i in range(0, len(data), size))


def as_numpy(x):
    return arrays.to_numpy(x.array) if isinstance(x, Tensor) else np.asarray(x)


class _Watched:
    """Within it, a model is in evaluation mode and `found` gets an array for each call: what a layer gives, or what the head gets."""

    def __init__(self, model, layer):
        self.model, self.found = model, []
        self.layer = model.get_submodule(find_head(model)) if layer is None else dict(model.named_modules()).get(layer)
        if self.layer is None:
            raise BadValue(f"the model has no module {layer!r}")
        self.before = layer is None
        self.device = device_of(model)

    def __enter__(self):
        self.modes = {module: module.training for module in self.model.modules()}
        self.model.eval()
        register = self.layer.register_forward_pre_hook if self.before else self.layer.register_forward_hook
        self.handle = register((lambda _, args: self.keep(args[0])) if self.before else (lambda _, args, output: self.keep(output)))
        return self

    def __exit__(self, *_):
        self.handle.remove()
        for module, training in self.modes.items():
            module.training = training

    def keep(self, x):
        if not isinstance(x, Tensor):
            raise BadType(f"the layer gives {type(x).__name__}, not one tensor")
        x = as_numpy(x)
        self.found.append(x.mean(tuple(range(2, x.ndim))) if x.ndim > 2 else x.reshape(len(x), -1).copy())


# Rates by layer --------------------------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A part of a network that is taken as one: the path of its first module, and its parameters."""

    path: str
    parameters: list


def blocks_of(model):
    """The Blocks of a model in their order: its children, or a graph's layers; containers such as Sequential opened, a norm layer with
    what it follows."""
    found = [Block("", own)] if (own := list(model.parameters(recurse=False))) else []
    for path, module in _opened(model, ""):
        parameters = list(module.parameters())
        if parameters and isinstance(module, NORMS) and found:
            found[-1].parameters.extend(parameters)
        elif parameters:
            found.append(Block(path, parameters))
    return found


def _opened(module, prefix):
    """(path, module) of what blocks are made of."""
    children = module.named_children()
    if isinstance(module, GraphModule):
        children = [(path, layer) for path, layer in in_order(module)[1:] if next(layer.children(), None) is None]
    for name, child in children:
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(child, CONTAINERS):
            yield from _opened(child, path)
        else:
            yield path, child


def layerwise_lr(model, lr, decay=0.9):
    """Groups for an optimizer: lr for the last block (see `blocks_of`), and for each block before it `decay` times the rate of the next.

    The rates of the first layers, which fit any picture, are so kept low (Howard & Ruder, "Universal language model fine-tuning for
    text classification", ACL 2018, section 3.2). Parameters that are frozen now are left out. Raises BadValue for a decay outside 0..1.
    """
    if not 0 < decay <= 1:
        raise BadValue(f"decay must be above 0 and at most 1, got {decay!r}")
    all_blocks = blocks_of(model)
    groups = [{"params": [p for p in block.parameters if p.requires_grad], "lr": lr * decay ** (len(all_blocks) - 1 - i)}
              for i, block in enumerate(all_blocks)]
    return [group for group in groups if group["params"]]
