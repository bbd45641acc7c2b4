"""Names: where in a module the layers and tensors of a graph stand, so that a state_dict has the names that the graph's file has.

A path is names joined by dots. A layer whose initializers are called "features.0.weight" and "features.0.bias" stands at "features.0".
Else it stands at its node's name, as PyTorch's exporter writes it ("/layer1/layer1.0/conv1/Conv" is "layer1.0.conv1"), or as it is: a
name may hold slashes and colons and begin with a digit ("model/conv1/Conv2D:0"). What cannot be a name in a module (empty, taken
already, or what every module has, such as "training") gets the next free number behind it: "training_2".
"""

from ..nn.module import Module
from ..nn.naming import qualified


class Container(Module):
    """A part of a path that is no layer itself; it holds what stands below it."""


def path_of(node, tensors):
    """Where a node's layer should stand. `tensors` says for each of the layer's tensors which initializer it is."""
    return prefix_of(tensors) or scope_of(node.name) or node.op_type.lower()


def prefix_of(tensors):
    """What the names of a layer's initializers have before ".weight", ".bias" and so on, if it is the same; else None."""
    prefixes = {name[: -len(part) - 1] if name.endswith(f".{part}") else None for part, name in tensors.items()}
    return prefixes.pop() if len(prefixes) == 1 else None


def scope_of(name):
    """The module's path in the name that PyTorch's exporter gives a node, "/layer1/layer1.0/conv1/Conv"; other names as they are."""
    if not name.startswith("/"):
        return name
    path = ""
    for word in name.strip("/").split("/")[:-1]:
        path = word if path and word.startswith(f"{path.rpartition('/')[2]}.") else qualified(path, word)
    return path


def place(root, path, part, add):
    """Add a part below `root` at a path, or as near to it as can be, by `add(owner, name, part)`. Returns the path in fact."""
    *above, last = [name or "_" for name in path.split(".")]
    owner, found = root, []
    for name in above:
        child = owner._modules.get(name)
        if child is None:
            name, child = free_name(owner, name), Container()
            owner.add_module(name, child)
        owner = child
        found.append(name)
    name = free_name(owner, last)
    add(owner, name, part)
    return ".".join([*found, name])


def free_name(owner, name):
    """The name, or if the module has it already, the name with a number that is free, found by halving: thousands may have one name."""
    if not hasattr(owner, name):
        return name
    taken, free = 1, 2
    while hasattr(owner, f"{name}_{free}"):
        taken, free = free, 2 * free
    while free - taken > 1:
        middle = (taken + free) // 2
        taken, free = (middle, free) if hasattr(owner, f"{name}_{middle}") else (taken, middle)
    return f"{name}_{free}"
