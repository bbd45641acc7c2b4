"""state_dict and load_state_dict: keys, order, sharing, and the one error that lists every misfit."""

from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import minicnn  # noqa: E402
from minicnn import nn  # noqa: E402
from side_by_side import assert_same  # noqa: E402
from test_module_parts import net  # noqa: E402


def test_keys_and_order():
    assert_same(lambda T: [list(net(T).state_dict()), list(net(T).state_dict(prefix="net.")), type(net(T).state_dict())])


def test_continues_a_destination():
    assert_same(lambda T: list(T.nn.Linear(1, 1).state_dict(destination=OrderedDict(first=1), prefix="fc.")))


def test_shares_memory_and_is_detached():
    m = nn.Linear(2, 2)
    state = m.state_dict()
    assert not state["weight"].requires_grad and m.state_dict(keep_vars=True)["weight"] is m.weight
    m.weight.data.fill_(7)
    assert state["weight"].tolist() == [[7, 7], [7, 7]]


def test_round_trip_from_numpy_and_from_torch():
    theirs, ours = net(torch), net(minicnn)
    arrays = {name: value.numpy() for name, value in theirs.state_dict().items()}
    for state in (arrays, theirs.state_dict()):
        result = ours.load_state_dict(state)
        assert repr(result) == "<All keys matched successfully>"
        assert all(np.array_equal(value.numpy(), arrays[name]) for name, value in ours.state_dict().items())


def test_loading_keeps_parameters_dtypes_and_devices():
    m = nn.Linear(2, 1)
    weight = m.weight
    m.load_state_dict({"weight": np.ones((1, 2)), "bias": minicnn.zeros(1, dtype=minicnn.float64)})
    assert m.weight is weight and m.weight.requires_grad and m.weight.dtype == minicnn.float32
    assert weight.tolist() == [[1, 1]]


def test_loading_is_seen_by_the_version_counter():
    m = nn.Linear(2, 1)
    loss = (m.weight * m.weight).sum()
    m.load_state_dict(m.state_dict())
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()


def test_assign_puts_the_given_tensors_in_place():
    def run(T):
        m = T.nn.BatchNorm1d(2)
        m.bias.requires_grad_(False)
        given = {name: value.double() if value.is_floating_point() else value for name, value in m.state_dict().items()}
        m.load_state_dict(given, assign=True)
        return [m.weight, m.running_mean, m.weight.requires_grad, m.bias.requires_grad, type(m.weight).__name__,
                [name for name, _ in m.named_parameters()]]

    assert_same(run)


def test_not_strict_returns_what_differs():
    def run(T):
        m = T.nn.Sequential(T.nn.Linear(2, 2), T.nn.BatchNorm1d(2))
        found = m.load_state_dict({"0.weight": T.ones(2, 2), "9.x": T.ones(1)}, strict=False)
        missing, unexpected = found
        return [missing == found.missing_keys, sorted(missing), unexpected == found.unexpected_keys, unexpected, m[0].weight]

    assert_same(run)


def test_counts_of_batches_may_be_absent_from_plain_dicts_only():
    def run(T):
        m = T.nn.BatchNorm1d(2)
        state = m.state_dict()
        del state["num_batches_tracked"]
        return [m.load_state_dict(dict(state)), m.load_state_dict(state, strict=False)]

    assert_same(run)


def test_one_error_lists_everything_and_nothing_was_loaded():
    m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    state = {"0.weight": np.zeros((2, 2)), "0.bias": np.zeros(3), "1.weight": [1, 2], "1.running_mean": np.zeros(2),
             "1.runing_var": np.zeros(2)}
    before = m[0].weight.tolist()
    with pytest.raises(RuntimeError) as caught:
        m.load_state_dict(state)
    assert isinstance(caught.value, minicnn.errors.Error)
    message = str(caught.value)
    assert message.startswith("Error(s) in loading state_dict for Sequential:")
    for part in ('Missing key(s) in state_dict: "1.bias", "1.running_var".',
                 'Unexpected key(s) in state_dict: "1.runing_var".', "size mismatch for 0.bias", "(3", "(2",
                 'parameter named "1.weight"', "list"):
        assert part in message.replace("[", "("), message
    assert m[0].weight.tolist() == before


@pytest.mark.parametrize("program", [
    "load_state_dict([1])", "load_state_dict({})", "load_state_dict({'weight': T.ones(3, 2), 'bias': T.ones(3), 'x': T.ones(1)})",
    "load_state_dict({'weight': T.ones(2, 3), 'bias': T.ones(3)}, strict=False)",
    "load_state_dict({'weight': T.ones(1, 3, 2), 'bias': T.ones(3)})",
    "load_state_dict({'weight': T.ones(3, 2), 'bias': [1, 2, 3]})",
])
def test_refused_as_pytorch_refuses(program):
    assert_same(lambda T: eval(f"T.nn.Linear(2, 3).{program}", {"T": T}))
