"""The list of files that are damaged or that mean harm, and what the cases of every kind are written with."""

from build import model, node, save, weight

CASES = {}                                                  # {name: function of a folder that writes one and returns its path}


def case(name):
    def register(make):
        CASES[name] = make
        return make

    return register


def add(name, make):
    """A case that is one ModelProto, or bytes."""
    CASES[name] = lambda folder: save(make(), folder / "model.onnx")


def conv(**changes):
    """A network of one convolution, in which something is wrong."""
    w = changes.pop("w", weight(4, 3, 3, 3))
    return model([node("Conv", "x w", "y", **changes)], tensors={"w": w})


def changed(change, proto=None):
    """A good model after `change(proto)`."""
    proto = proto or conv()
    change(proto)
    return proto
