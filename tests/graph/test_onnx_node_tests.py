"""ONNX's own test cases of single operators and of models converted from PyTorch, as the onnx package carries them.

Each case is run, and passes within its tolerances, unless it is about what is listed here with a reason.
"""

from collections import defaultdict
from functools import cache

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

import minicnn.onnx  # noqa: E402
from helpers.onnx_models import array_of, data_sets, element_types, folders, graph_of  # noqa: E402
from minicnn.arrays import DTYPES  # noqa: E402
from minicnn.errors import UnsupportedOperator  # noqa: E402
from minicnn.graph.ir import ELEMENT_TYPES  # noqa: E402
from minicnn.graph.module import GraphModule  # noqa: E402
from minicnn.graph.operators import TABLE  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::Warning")

# What an image classifier's graph does not have, by the operators that the cases are about.
OUTSIDE = {
    "control flow, sequences and optional values": "Loop Scan SequenceMap SequenceInsert SplitToSequence OptionalHasElement "
    "OptionalGetElement SequenceEmpty SequenceLength",
    "text": "StringConcat StringSplit StringNormalizer RegexFullMatch TfIdfVectorizer",
    "recurrent networks": "GRU LSTM RNN",
    "attention": "Attention FlexAttention LinearAttention CausalConvWithState RotaryEmbedding TensorScatter SwiGLU",
    "quantised networks": "QLinearConv QLinearMatMul ConvInteger MatMulInteger DynamicQuantizeLinear QuantizeLinear DequantizeLinear BitCast",
    "sound": "DFT STFT MelWeightMatrix BlackmanWindow HammingWindow HannWindow",
    "detection": "NonMaxSuppression RoiAlign",
    "sequences of unequal length, sets, determinants": "ReverseSequence Unique Det",
    "newer than version 22": "CumProd",
    "optimizers": "Adagrad Adam Momentum",
    "classical models and image files (ai.onnx.ml)": "LabelEncoder TreeEnsemble ArrayFeatureExtractor Binarizer ImageDecoder",
    "random numbers, which no two libraries draw alike": "Bernoulli RandomUniformLike",
}
REASONS = {operator: reason for reason, operators in OUTSIDE.items() for operator in operators.split()}
# Single cases of operators that are there otherwise.
CASES = {
    "test_training_dropout_default": "drawn at random", "test_training_dropout_default_mask": "drawn at random",
    "test_training_dropout": "drawn at random", "test_training_dropout_mask": "drawn at random",
    "test_if_seq": "sequences", "test_if_opt": "optional values",
}


@cache
def cases():
    """{operator: its cases}; what a function operator is expanded to counts as that operator's."""
    from onnx.backend.test.case.node import collect_testcases

    found, operators = defaultdict(list), {}
    for case in collect_testcases(None):
        base = case.name.partition("_expanded")[0]
        if base == case.name:
            operators[base] = case.model.graph.node[-1].op_type if len(case.model.graph.node) else ""
        found[operators.get(base, "")].append(case)
    return found


def reason_against(case):
    """Why a case is not run, or None."""
    if case.name in CASES:
        return CASES[case.name]
    unknown = [node.op_type for node in case.model.graph.node if node.op_type in REASONS and node.op_type not in TABLE]
    if unknown:
        return REASONS[unknown[0]]
    return "a type that there are no tensors of" if element_types(case.model) - {ELEMENT_TYPES[name] for name in DTYPES} else None


def agree(found, expected, rtol, atol):
    """The outputs have the expected shapes and types, and values within the tolerances."""
    for y, wanted in zip(found if isinstance(found, tuple) else (found,), expected):
        y, wanted = y.numpy(force=True), array_of(wanted)
        assert (y.shape, y.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(y, wanted, rtol=rtol, atol=atol)


def run(module, sets, rtol, atol):
    for inputs, outputs in sets:
        agree(module(*[array_of(x) for x in inputs]), outputs, rtol, atol)


@pytest.mark.parametrize("operator", sorted([*TABLE, "If"]))
def test_operator(operator):
    """All cases of one operator, and what it is expanded to; several failures are reported together."""
    failures = []
    for case in cases()[operator]:
        if reason_against(case) is None:
            try:
                run(GraphModule(graph_of(case.model)), case.data_sets, case.rtol, case.atol)
            except Exception as error:                                  # noqa: BLE001  (the report names all of them)
                failures.append(f"{case.name}: {type(error).__name__}: {error}")
    assert failures == []


def test_expansions_of_operators_that_are_not_there():
    """Their functions' bodies consist of other operators, which are."""
    failures = []
    for operator in set(cases()) - set(TABLE):
        for case in cases()[operator]:
            if "_expanded" in case.name and reason_against(case) is None:
                try:
                    run(GraphModule(graph_of(case.model)), case.data_sets, case.rtol, case.atol)
                except Exception as error:                              # noqa: BLE001
                    failures.append(f"{case.name}: {type(error).__name__}: {error}")
    assert failures == []


def test_what_is_not_there_has_a_reason_and_is_refused_by_name():
    for operator in sorted(set(cases()) - {*TABLE, "If", ""}):
        assert operator in REASONS, f"{operator} is neither in the table nor in the list of what is left out"
        with pytest.raises(UnsupportedOperator, match=operator):
            GraphModule(graph_of(cases()[operator][0].model))


@pytest.mark.parametrize("folder", folders("pytorch-converted") + folders("pytorch-operator"), ids=lambda folder: folder.name)
def test_model_converted_from_pytorch(folder):
    """By our own reader, which makes layers of what older exporters wrote."""
    run(minicnn.onnx.load(folder / "model.onnx"), data_sets(folder), rtol=1e-3, atol=1e-7)


if __name__ == "__main__":                                              # how many of the cases run, by operator
    for operator in sorted(cases()):
        found = [reason_against(case) for case in cases()[operator]]
        print(f"{operator or '(none)':30} {found.count(None):4} of {len(found):4}   {', '.join(sorted(set(filter(None, found))))}")
    print(sum(reason_against(case) is None for group in cases().values() for case in group), "of", sum(map(len, cases().values())))
