"""Every operator's gradients against finite differences, at the inputs of ONNX's own test cases: none may be dropped without a word."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from graph.test_onnx_node_tests import cases, reason_against  # noqa: E402
from helpers.onnx_models import array_of, graph_of  # noqa: E402
from minicnn import Tensor  # noqa: E402
from minicnn.errors import GraphError  # noqa: E402
from minicnn.graph.module import GraphModule  # noqa: E402
from minicnn.graph.operators import TABLE  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::Warning")

LARGEST, MOST = 5000, 12                # numbers in a case's inputs; cases of one operator
STEP = 1e-6

# Inputs that are refused a gradient, beside those that their operator reads as plain numbers: class weights, floating indices.
REFUSED = {"NegativeLogLikelihoodLoss": {2}, "SoftmaxCrossEntropyLoss": {2}, "OneHot": {0}}
# Their results are of single precision whatever the input is, too coarse for a difference.
SINGLE = {"Cast", "CastLike"}


def is_refused(case):
    """Whether several updates at one place are reduced by something that has no derivative here."""
    reductions = [a.s.decode() for node in case.model.graph.node for a in node.attribute if a.name == "reduction"]
    return case.model.graph.node[-1].op_type.startswith("Scatter") and bool({"mul", "max", "min"} & set(reductions))


def inputs_of(case, random):
    """The case's inputs in double precision, and which of them are to be differentiated by: these are a little off what lies on a kink."""
    node, arrays = case.model.graph.node[-1], [array_of(x) for x in case.data_sets[0][0]]
    arrays = [x.astype(float) if x.dtype.kind == "f" else x for x in arrays]
    numbers = {node.input[i] for i in TABLE[node.op_type].numbers | REFUSED.get(node.op_type, set()) if i < len(node.input)}
    chosen = [i for i, (x, value) in enumerate(zip(arrays, case.model.graph.input))
              if x.dtype.kind == "f" and x.size and value.name not in numbers]
    for i in chosen:
        arrays[i] = np.asarray(arrays[i] + 0.01 * random.standard_normal(arrays[i].shape))
    return arrays, chosen


def weighted(outputs, random):
    """One number out of all floating outputs: Σ y · c for fixed random c. None where there are none."""
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    found = [(y * Tensor(random.standard_normal(tuple(y.shape)))).sum() for y in outputs if y.is_floating_point() and y.numel()]
    return sum(found[1:], found[0]) if found else None


def check(case):
    """The derivative along a random direction, of each floating input by itself."""
    random = np.random.default_rng(0)
    module = GraphModule(graph_of(case.model))
    arrays, chosen = inputs_of(case, random)
    for i in chosen:
        def at(x, i=i):
            given = [x if k == i else Tensor(a) for k, a in enumerate(arrays)]
            return weighted(module(*given), np.random.default_rng(1))

        leaf = Tensor(arrays[i].copy()).requires_grad_()
        total, direction = at(leaf), np.asarray(random.standard_normal(leaf.shape))
        if total is None:
            return
        if total.requires_grad:
            total.backward()
        slope = float((leaf.grad.numpy() * direction).sum()) if leaf.grad is not None else 0.0
        low, high = (at(Tensor(np.asarray(arrays[i] + sign * STEP * direction))).item() for sign in (-1, 1))
        expected = (high - low) / (2 * STEP)
        assert abs(slope - expected) <= 1e-5 * max(1, abs(expected)), f"input {i}: gradient {slope}, difference {expected}"


@pytest.mark.parametrize("operator", sorted(set(TABLE) - SINGLE))
def test_gradient(operator):
    found = [case for case in cases()[operator] if reason_against(case) is None and "_expanded" not in case.name
             and sum(array_of(x).size for x in case.data_sets[0][0]) <= LARGEST and not is_refused(case)
             and all(np.isfinite(array_of(x)).all() for x in case.data_sets[0][0])]
    failures = []
    for case in found[:MOST]:
        try:
            check(case)
        except Exception as error:                                      # noqa: BLE001  (the report names all of them)
            failures.append(f"{case.name}: {type(error).__name__}: {error}")
    assert failures == []


@pytest.mark.parametrize("operator", ["ScatterElements", "ScatterND"])
def test_what_has_no_derivative_is_refused(operator):
    refused = [case for case in cases()[operator] if is_refused(case)]
    assert len(refused) >= 3
    for case in refused:
        arrays = [array_of(x) for x in case.data_sets[0][0]]
        with pytest.raises(GraphError, match="has no derivative"):
            GraphModule(graph_of(case.model))(*[Tensor(x).requires_grad_() if x.dtype.kind == "f" else x for x in arrays])


@pytest.mark.parametrize("operator", ["Resize", "Pad"])
def test_what_is_read_as_a_number_gets_no_gradient_without_a_word(operator):
    case = next(case for case in cases()[operator] if "scales" in case.name or "constant" in case.name)
    given = [Tensor(array_of(x)) for x in case.data_sets[0][0]]
    given[-1].requires_grad_()
    with pytest.raises(GraphError, match="read as a number"):
        GraphModule(graph_of(case.model))(*given)
