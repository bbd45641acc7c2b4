"""How wide the margins of a convolution or a pooling are, as its attributes say."""


def pads_of(attributes, axes):
    """ONNX's `pads` of so many spatial axes: zeros where they are left out or auto_pad is "VALID", whatever else stands there; None where
    they follow from the input's size ("SAME_UPPER", "SAME_LOWER")."""
    automatic = attributes.get("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        return None
    given = [] if automatic == "VALID" else attributes.get("pads") or []
    return [int(n) for n in given] or [0] * (2 * axes)
