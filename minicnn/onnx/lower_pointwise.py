"""Functions of single numbers in ONNX's operators."""

from math import pi, sqrt

import numpy as np

from ..graph.ir import ELEMENT_TYPES
from .lower import NotExpressible, rule

FAR = 15.0              # from here on log(1 + eˣ) is x, to the last digit of float32


@rule("silu")
def _silu(step):
    step.last("Mul", [step.x, step.step("Sigmoid", [step.x])])


@rule("mish")
def _mish(step):
    step.last("Mul", [step.x, step.step("Tanh", [step.step("Softplus", [step.x])])])


@rule("logsigmoid")
def _log_sigmoid(step):
    step.last("Neg", [step.step("Softplus", [step.step("Neg", [step.x])])])


@rule("gelu")
def _gelu(step):
    """x/2 · (1 + erf(x/√2)), or its approximation x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))."""
    if step.get("approximate", "none") == "tanh":
        cube = step.step("Mul", [step.step("Pow", [step.x, step.like("exponent", 3)]), step.like("factor", 0.044715)])
        inner = step.step("Mul", [step.step("Add", [step.x, cube]), step.like("scale", sqrt(2 / pi))])
        curve = step.step("Tanh", [inner])
    else:
        curve = step.step("Erf", [step.step("Mul", [step.x, step.like("scale", 1 / sqrt(2))])])
    half = step.step("Mul", [step.x, step.like("half", 0.5)])
    step.last("Mul", [half, step.step("Add", [curve, step.like("one", 1)])])


@rule("softplus")
def _softplus(step):
    beta, threshold = step.get("beta", 1.0), step.get("threshold", 20.0)
    scaled = step.x if beta == 1 else step.step("Mul", [step.x, step.like("beta", beta)])
    if threshold >= FAR and beta == 1:
        return step.last("Softplus", [scaled])
    smooth = step.step("Softplus", [scaled])
    smooth = smooth if beta == 1 else step.step("Div", [smooth, step.like("beta", beta)])
    return step.last("Where", [step.step("Greater", [scaled, step.like("threshold", threshold)]), step.x, smooth])


@rule("celu")
def _celu(step):
    """max(x, 0) + min(0, alpha · (exp(x/alpha) - 1))."""
    alpha = step.get("alpha", 1.0)
    if step.dtype == np.float32:
        return step.last("Celu", [step.x], alpha=alpha)
    zero, size = step.like("zero", 0), step.like("alpha", alpha)
    curve = step.step("Sub", [step.step("Exp", [step.step("Div", [step.x, size])]), step.like("one", 1)])
    below = step.step("Min", [step.step("Mul", [curve, size]), zero])
    return step.last("Add", [step.step("Max", [step.x, zero]), below])


@rule("hardtanh")
def _hardtanh(step):
    step.last("Clip", [step.x, step.like("min", step.get("min_val", -1.0)), step.like("max", step.get("max_val", 1.0))])


@rule("prelu")
def _prelu(step):
    weight = step.input(1)
    count = int(np.prod(step.shape(weight)))
    if count > 1:
        weight = step.step("Reshape", [weight, step.constant("shape", [count] + [1] * (step.rank - 2))])
    step.last("PRelu", [step.x, weight])


@rule("pow")
def _pow(step):
    step.last("Pow", [step.x, step.like("exponent", step.get("exponent"))])


@rule("expm1")
def _expm1(step):
    step.last("Sub", [step.step("Exp", [step.x]), step.like("one", 1)])


@rule("log1p")
def _log1p(step):
    step.last("Log", [step.step("Add", [step.x, step.like("one", 1)])])


@rule("rsqrt")
def _rsqrt(step):
    step.last("Reciprocal", [step.step("Sqrt", [step.x])])


@rule("trunc")
def _trunc(step):
    if step.dtype.kind != "f":
        return step.same()
    return step.last("Mul", [step.step("Sign", [step.x]), step.step("Floor", [step.step("Abs", [step.x])])])


# Division with a rest: ONNX's Div of integers cuts towards zero, its Mod has the divisor's sign ----------------------------


@rule("floor_divide")
def _floor_divide(step):
    x, y = step.inputs
    if step.dtype.kind == "f":
        return step.last("Floor", [step.step("Div", [x, y])])
    return step.last("Div", [step.step("Sub", [x, step.step("Mod", [x, y], fmod=0)]), y])


@rule("trunc_divide")
def _trunc_divide(step):
    if step.dtype.kind != "f":
        return step.last("Div", step.inputs)
    ratio = step.step("Div", step.inputs)
    return step.last("Mul", [step.step("Sign", [ratio]), step.step("Floor", [step.step("Abs", [ratio])])])


@rule("remainder")
def _remainder(step):
    x, y = step.inputs
    if step.dtype.kind != "f":
        return step.last("Mod", [x, y], fmod=0)
    return step.last("Sub", [x, step.step("Mul", [y, step.step("Floor", [step.step("Div", [x, y])])])])


# Truth -------------------------------------------------------------------------------------------------------------------


@rule("ne")
def _not_equal(step):
    step.last("Not", [step.step("Equal", step.inputs)])


@rule("isfinite")
def _is_finite(step):
    step.last("Not", [step.step("Or", [step.step("IsNaN", [step.x]), step.step("IsInf", [step.x])])])


@rule("logical_and", "logical_or", "logical_xor", "logical_not")
def _logical(step):
    name = step.node.op_type.removeprefix("logical_").capitalize()
    step.last(name, [step.step("Cast", [x], to=ELEMENT_TYPES["bool"]) for x in step.inputs])


# What only matters in training -------------------------------------------------------------------------------------------


@rule("detach", "custom_gradient", "dropout1d", "dropout2d")
def _nothing(step):
    if step.get("training"):
        raise NotExpressible("in evaluation")
    step.same()


@rule("dropout")
def _dropout(step):
    step.last("Dropout", [step.x, step.constant("ratio", step.get("p", 0.5), np.float32), step.constant("training", True, bool)])
