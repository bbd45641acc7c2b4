"""Configurations of the activations: smooth places, the kinks themselves, and numbers at which a careless formula overflows."""

import numpy as np

from ...functional import activation as act
from .. import laws
from .case import cases_of, numbers

LAWS = (laws.elements_are_independent,)
FAR = np.array([[-1e3, -60.0, -30.0, -8.0], [8.0, 30.0, 60.0, 1e3]])


def activation(name, kinks=(), **options):
    """Smooth places, kinks and the far ends of an activation under some options."""
    case = cases_of(name, getattr(act, name), LAWS)
    suffix = ", ".join(f"{key} {value}" for key, value in options.items())
    suffix = suffix and f" ({suffix})"
    case(f"images{suffix}", 2 * numbers(2, 3, 2, 2), **options)
    case(f"far from 0{suffix}", FAR, smooth=False, **options)
    if kinks:
        case(f"at the kinks and beside them{suffix}", np.add.outer(kinks, (-0.5, 0.0, 0.5)), smooth=False, **options)


activation("relu", [0.0])
activation("leaky_relu", [0.0], negative_slope=0.01)
activation("leaky_relu", [0.0], negative_slope=1.5)
activation("leaky_relu", [0.0], negative_slope=-0.3)
activation("hardtanh", [-1.0, 1.0], min=-1.0, max=1.0)
activation("hardtanh", [0.0, 6.0], min=0.0, max=6.0)
activation("hardtanh", [-0.5, 1.25], min=-0.5, max=1.25)
activation("hardsigmoid", [-3.0, 3.0])
activation("hardswish", [-3.0, 3.0])
activation("elu", [0.0])
activation("elu", [0.0], alpha=0.4)
activation("celu", [0.0], alpha=1.0)
activation("celu", [0.0], alpha=2.5)
activation("selu", [0.0])
activation("silu")
activation("gelu")
activation("gelu", approximate="tanh")
activation("softplus")
activation("softplus", beta=2.5, threshold=10.0)
activation("log_sigmoid")
activation("mish")

prelu_case = cases_of("prelu", act.prelu, (laws.examples_are_independent,))
prelu_case("one slope for all", numbers(2, 3, 2, 2), numbers(1, 1, 1, 1, seed="w"))
prelu_case("a slope for each channel", numbers(3, 2, 2, 3), numbers(1, 2, 1, 1, seed="w"))
prelu_case("vectors", numbers(4, 3), numbers(1, 3, seed="w"))
prelu_case("at the kink", np.array([[-1.0, 0.0, 1.0]]), np.array([[0.25]]), smooth=False)
prelu_case("empty batch", numbers(0, 2, 3), numbers(1, 2, 1, seed="w"))
