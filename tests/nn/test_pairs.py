"""A dense layer and the ReLU behind it, computed by one pair of functions, cannot be told from the two modules called one by one."""

import copy
import pickle

import numpy as np
import pytest

import minicnn
from minicnn import autograd, kernels, models, nn
from minicnn.errors import BadType, Error, GraphError
from minicnn.graph.trace import trace
from minicnn.models.profile import profile
from minicnn.models.summary import OUTSIDE, summary
from minicnn.nn import functional as F

FORMS = ["loops", "array", "numba"]


def network(ins=6, wide=7, outs=3, bias=True, dtype="float64"):
    """Two pairs, one of them in place, and a dense layer without a ReLU."""
    first, second = nn.Linear(ins, wide, bias), nn.Linear(wide, outs, bias)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(inplace=True), nn.Linear(outs, 4)).to(dtype)


def noise(*shape, dtype="float64", seed=0):
    return minicnn.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def one_by_one(net, x):
    """What the modules give, each called by itself."""
    for module in net:
        x = module(x)
    return x


def operations(y):
    """The names of the operations that a result is made of, the first one first."""
    found, waiting = {}, [y.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node.name() != "AccumulateGrad":
            found[node.number] = node.name()
            waiting += node.edges
    return [found[number] for number in sorted(found)]


def value_and_gradients(run, net, x):
    """[y, dx, dw, db, ...] as arrays, from a random upstream gradient."""
    x = x.detach().requires_grad_()
    y = run(net, x)
    dy = noise(*y.shape, dtype=y.dtype.name, seed=1)
    return [t.detach().numpy() for t in (y, *autograd.grad(y, [x, *net.parameters()], dy))]


def together(net, x):
    return net(x)


def assert_alike(net, x):
    """Each element of the value and of every gradient has the bits that it has when the modules are called one by one."""
    for found, wanted in zip(value_and_gradients(together, net, x), value_and_gradients(one_by_one, net, x), strict=True):
        np.testing.assert_array_equal(found, wanted, strict=True)


# What it computes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("shape", [(5, 6), (1, 6), (6,), (2, 3, 6), (2, 1, 2, 6), (0, 6)], ids=str)
def test_values_and_gradients(shape, bias, form):
    net = network(bias=bias)
    with kernels.using(form):
        assert_alike(net, noise(*shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 300), (14, 300), (40, 300), (3, 5, 300)], ids=str)
def test_values_and_gradients_of_some_size(shape, dtype):
    """By the compiled kernels for a few examples and for many."""
    assert_alike(network(300, 270, 130, dtype=dtype), noise(*shape, dtype=dtype))


@pytest.mark.parametrize("shape", [(5, 6), (6,), (2, 3, 6), (0, 6)], ids=str)
def test_values_and_gradients_against_pytorch(shape):
    torch = pytest.importorskip("torch")
    net, x = network(), noise(*shape)
    theirs = torch.nn.Sequential(torch.nn.Linear(6, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3), torch.nn.ReLU(inplace=True),
                                 torch.nn.Linear(3, 4)).double()
    theirs.load_state_dict({name: torch.tensor(t.numpy()) for name, t in net.state_dict().items()})
    there = torch.tensor(x.numpy(), requires_grad=True)
    y = theirs(there)
    wanted = y, *torch.autograd.grad(y, [there, *theirs.parameters()], torch.tensor(noise(*y.shape, seed=1).numpy()))
    for found, other in zip(value_and_gradients(together, net, x), wanted, strict=True):
        np.testing.assert_allclose(found, other.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_gradients_of_gradients(bias):
    net, x = network(bias=bias), noise(5, 6).requires_grad_()

    def second(run):
        first = autograd.grad(run(net, x).tanh().sum(), [x, *net.parameters()], create_graph=True)
        return autograd.grad(sum((g * noise(*g.shape, seed=2)).square().sum() for g in first), [x, *net.parameters()])

    for found, wanted in zip(second(together), second(one_by_one), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-10, atol=1e-13)
    assert autograd.gradgradcheck(lambda x: nn.Sequential(net[0], net[1])(x).square(), [x])


def test_training_goes_the_same_way():
    """Ten steps, weights that are used twice, and gradients that add up."""
    def trained(run):
        minicnn.manual_seed(0)
        shared, relu = nn.Linear(6, 6).double(), nn.ReLU()
        net = nn.Sequential(shared, relu, shared, relu, shared, nn.ReLU(inplace=True))
        optimizer = minicnn.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for step in range(10):
            optimizer.zero_grad()
            for part in range(2):
                (run(net, noise(8, 6, seed=step + part)) - 1).square().mean().backward()
            optimizer.step()
        return [t.numpy() for t in net.state_dict().values()]

    for found, wanted in zip(trained(together), trained(one_by_one), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("frozen", [["0.weight"], ["0.bias"], ["0.weight", "0.bias"], ["0.weight", "0.bias", "2.weight", "2.bias"]],
                         ids=str)
@pytest.mark.parametrize("input_tracked", [True, False])
def test_what_is_frozen_gets_no_gradient(frozen, input_tracked):
    net = network()
    for name in frozen:
        net.get_parameter(name).requires_grad_(False)
    found = []
    for run in (together, one_by_one):
        x = noise(5, 6).requires_grad_(input_tracked)
        net.zero_grad()
        run(net, x).square().sum().backward()
        found.append([None if t.grad is None else t.grad.numpy() for t in (x, *net.parameters())])
    for one, other in zip(*found, strict=True):
        assert one is other is None or (one == other).all()
    assert sum(gradient is None for gradient in found[0]) == len(frozen) + (not input_tracked)


def test_nan_and_infinity_stay_what_they_are():
    net, x = nn.Sequential(nn.Linear(3, 3), nn.ReLU()), minicnn.tensor([[1.0, float("nan"), 2], [float("inf"), 1, 2], [0, 0, 0]])
    net[0].bias.data.fill_(0)
    assert_alike(net, x)
    y = net(x).detach().numpy()
    assert np.isnan(y[0]).all() and set(y[1]) <= {0, np.inf} and (y[2] == 0).all()


@pytest.mark.parametrize("off", [minicnn.no_grad, minicnn.inference_mode])
def test_without_recording(off):
    net, x = network(), noise(5, 6)
    wanted = one_by_one(net, x).detach().numpy()
    with off():
        y = net(x)
    assert not y.requires_grad and y.grad_fn is None
    np.testing.assert_array_equal(y.numpy(), wanted)


def test_a_weight_of_one_row():
    """As `F.linear` takes it: the last axis goes."""
    net = nn.Sequential(nn.Linear(6, 1, bias=False), nn.ReLU()).double()
    net[0].weight = nn.Parameter(noise(6))
    assert net(noise(5, 6)).shape == (5,)
    assert_alike(net, noise(5, 6))


def test_behind_what_waits_to_be_computed():
    """Batch norm computes its numbers when they are asked for; its own ReLU is another pair's."""
    net = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.ReLU()).double()
    assert_alike(net, noise(9, 6))
    assert operations(net(noise(9, 6)))[1:3] == ["BatchNormalization", "GemmRelu"]


@pytest.mark.parametrize("change", [lambda x, y: x.add_(1), lambda x, y: y.mul_(2)], ids=["input", "output"])
def test_what_was_saved_must_not_change(change):
    net = nn.Sequential(nn.Linear(6, 4), nn.ReLU()).double()
    for run in (together, one_by_one):
        x = noise(5, 6)
        y = run(net, x)
        change(x, y.detach())
        with pytest.raises(GraphError, match="changed in place"):
            y.sum().backward()


# Where it is used ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build, wanted", [
    (network, ["GemmRelu", "GemmRelu", "Gemm"]),
    (lambda: nn.Sequential(nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, 6), nn.ReLU(), nn.ReLU()), ["Relu", "Gemm", "GemmRelu", "Relu"]),
    (lambda: nn.Sequential(nn.Linear(6, 6), nn.Identity(), nn.ReLU(), nn.Linear(6, 6), nn.ReLU6()), ["Gemm", "Relu", "Gemm", "Clip"]),
    (lambda: nn.Sequential(nn.Sequential(nn.Linear(6, 6)), nn.Sequential(nn.ReLU())), ["Gemm", "Relu"]),
    (lambda: type("Net", (nn.Sequential,), {})(nn.Linear(6, 6), nn.ReLU()), ["GemmRelu"]),
    (lambda: nn.Sequential(nn.Linear(6, 6)), ["Gemm"]),
], ids=["two pairs", "neighbours", "other layers", "apart", "a subclass of Sequential", "alone"])
def test_where_a_relu_is_next_to_a_dense_layer(build, wanted):
    net, x = build().double(), noise(5, 6).requires_grad_()
    assert operations(net(x)) == wanted
    assert_alike(net, x)


def test_in_the_models_that_have_such_layers():
    assert operations(models.create("lenet5")(minicnn.randn(2, 1, 28, 28)))[-3:] == ["GemmRelu", "GemmRelu", "Gemm"]


def test_nothing_in_a_sequence_is_still_its_input():
    x = noise(5, 6)
    assert nn.Sequential()(x) is x


# Where somebody would see it ---------------------------------------------------------------------------------------------------


def assert_apart(net, x):
    """The first dense layer and its ReLU are called one by one, perhaps with gates for gradients around; the second pair is one."""
    assert [name for name in operations(net(x)) if name != "Reshape"] == ["Gemm", "Relu", "GemmRelu", "Gemm"]
    assert_alike(net, x)


HOOKS = ["register_forward_pre_hook", "register_forward_hook", "register_full_backward_pre_hook", "register_full_backward_hook"]


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("register", HOOKS)
def test_a_hook_is_called_while_it_is_there(register, position):
    net, x, seen = network(), noise(5, 6), []
    handle = getattr(net[position], register)(lambda module, *_: seen.append(module))
    net(x).sum().backward()
    assert seen == [net[position]]
    assert_apart(net, x)
    handle.remove()
    assert operations(net(x)) == ["GemmRelu", "GemmRelu", "Gemm"]


def test_hooks_see_and_change_what_lies_between():
    net, x, kept = nn.Sequential(nn.Linear(6, 4), nn.ReLU()).double(), noise(5, 6), []
    wanted = F.linear(x, net[0].weight, net[0].bias).detach().numpy()
    with net[0].register_forward_hook(lambda module, args, y: kept.append(y.detach().numpy())):
        net(x)
    np.testing.assert_array_equal(kept[0], wanted)
    with net[1].register_forward_pre_hook(lambda module, args: args[0] + 100):
        np.testing.assert_array_equal(net(x).detach().numpy(), wanted + 100)


def test_backward_hooks_see_the_gradients_on_either_side():
    net, x, seen = nn.Sequential(nn.Linear(6, 4), nn.ReLU()).double(), noise(5, 6).requires_grad_(), {}
    for module in net:
        module.register_full_backward_hook(lambda module, dx, dy: seen.update({type(module): (dx[0].numpy(), dy[0].numpy())}))
    y, dy = net(x), noise(5, 4, seed=1)
    y.backward(dy)
    cut = np.where(y.detach().numpy() > 0, dy.numpy(), 0)
    for found, wanted in zip((*seen[nn.ReLU], *seen[nn.Linear]), (cut, dy.numpy(), x.grad.numpy(), cut), strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(x.grad.numpy(), cut @ net[0].weight.detach().numpy(), atol=1e-14)


@pytest.mark.parametrize("position, kind", [(0, nn.Linear), (1, nn.ReLU)])
def test_a_subclass_computes_what_it_computes(position, kind):
    class Mine(kind):
        def forward(self, input):
            return super().forward(input) * 2

    net, x = network(), noise(5, 6)
    net[position].__class__ = Mine
    assert operations(net(x)) in (["Gemm", "Mul", "Relu", "GemmRelu", "Gemm"], ["Gemm", "Relu", "Mul", "GemmRelu", "Gemm"])
    assert_alike(net, x)


@pytest.mark.parametrize("position", [0, 1])
def test_a_forward_of_its_own(position):
    net, x, seen = network(), noise(5, 6), []
    forward = net[position].forward
    net[position].forward = lambda input: seen.append(input) or forward(input)
    assert_apart(net, x)
    assert len(seen) == 3
    del net[position].forward
    assert operations(net(x)) == ["GemmRelu", "GemmRelu", "Gemm"]


@pytest.mark.parametrize("owner, name", [(nn.Linear, "forward"), (nn.ReLU, "forward"), (nn.Module, "__call__"), (F, "linear"), (F, "relu")],
                         ids=["Linear.forward", "ReLU.forward", "Module.__call__", "F.linear", "F.relu"])
def test_what_somebody_put_in_the_place_of_ours_is_called(owner, name, monkeypatch):
    """Counters and tracers do so."""
    net, x, seen, ours = network(), noise(5, 6), [], getattr(owner, name)
    wanted = net(x).detach().numpy()
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: seen.append(args[0]) or ours(*args, **kwargs))
    y = net(x)
    assert len(seen) == {"linear": 3, "relu": 2, "__call__": 6, "forward": 3 if owner is nn.Linear else 2}[name]
    assert operations(y) == ["Gemm", "Relu", "Gemm", "Relu", "Gemm"]
    np.testing.assert_array_equal(y.detach().numpy(), wanted)
    monkeypatch.undo()
    assert operations(net(x)) == ["GemmRelu", "GemmRelu", "Gemm"]


@pytest.mark.parametrize("position", [0, 1], ids=["the layer before", "the dense layer"])
def test_a_hook_may_put_another_module_in_the_place_of_the_next(position):
    net, x = nn.Sequential(nn.Identity(), nn.Linear(6, 4), nn.ReLU()).double(), noise(5, 6)
    net[position].register_forward_hook(lambda *_: net.__setitem__(2, nn.Tanh()))
    assert operations(net(x)) == ["Gemm", "Tanh"]


def test_under_the_search_for_a_nan():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    net[0].weight.data.fill_(1e38)
    with autograd.detect_anomaly():
        with pytest.raises(GraphError, match="Gemm made the first infinity"):
            net(minicnn.full((1, 2), 1e38))
        assert operations(net(minicnn.zeros(1, 2))) == ["Gemm", "Relu"]
    assert operations(net(minicnn.zeros(1, 2))) == ["GemmRelu"]


def test_graphs_tables_and_profiles_have_both_layers():
    net, x = network(dtype="float32"), noise(5, 6, dtype="float32")
    kinds = ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert [node.op_type for node in trace(net, x).nodes] == ["Gemm", "Relu", "Gemm", "Relu", "Gemm"]
    assert [row.kind for row in summary(net, (6,)).rows] == kinds
    assert [row.kind for row in profile(net, (6,), batch=4, repeat=1).rows][:5] == kinds
    assert operations(net(x)) == ["GemmRelu", "GemmRelu", "Gemm"]       # afterwards, as before


def test_tables_count_what_a_pair_computes():
    """Layers that their owner has not registered are functions to it."""
    class Owner(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.last = [nn.Sequential(nn.Linear(6, 7), nn.ReLU())], nn.Linear(7, 2)

        def forward(self, x):
            return self.last(self.hidden[0](x))

    rows = summary(Owner(), (6,)).rows
    assert [(row.kind, row.multiply_adds, str(row.receptive_field)) for row in rows] == [(OUTSIDE, 42, "None"), ("Linear", 14, "all")]
    first = profile(Owner(), (6,), batch=4, repeat=1).rows[0]
    assert (first.kind, first.forward_operations, first.backward_operations) == ("GemmRelu", 2 * 4 * 42, 2 * 4 * 42)


# Wrong use ---------------------------------------------------------------------------------------------------------------------


def message(run, net, x):
    with pytest.raises(Error) as caught:
        run(net, x)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("x", [noise(5, 8), noise(5, 6, dtype="float32"), minicnn.ones(5, 6, dtype=minicnn.int64), np.ones((5, 6)), None,
                               (1, 2), noise(5, 6) > 0], ids=["features", "dtype", "integers", "array", "nothing", "tuple", "bool"])
def test_an_error_is_that_of_the_dense_layer(x):
    net = nn.Sequential(nn.Identity(), nn.Linear(6, 4), nn.ReLU()).double()
    outer = nn.Sequential(net)
    kind, words = message(together, outer, x)
    assert words.startswith("0.1 (Linear): ")
    net[2].register_forward_hook(lambda *_: None)           # and now they are called apart
    assert message(together, outer, x) == (kind, words)
    assert message(one_by_one, net, x) == (kind, words.removeprefix("0.1 (Linear): "))


def test_errors_of_parts_that_are_missing():
    net, x = network(), noise(5, 6)
    net[0].weight = None
    assert message(together, net, x) == (BadType, "0 (Linear): linear: expected the weight to be a Tensor, got None")
    del net[0].weight
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'weight'"):
        net(x)
    for position in range(2):
        holed = network()
        holed.add_module(str(position), None)
        with pytest.raises(TypeError, match="'NoneType' object is not callable"):
            holed(x)


# What stays as it is -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deepcopy", "pickle"])
def test_copies(twin_of):
    net, x = network(), noise(5, 6)
    net(x).sum().backward()
    twin = twin_of(net)
    assert operations(twin(x)) == ["GemmRelu", "GemmRelu", "Gemm"]
    np.testing.assert_array_equal(twin(x).detach().numpy(), net(x).detach().numpy())
    seen = []
    twin[1].register_forward_hook(lambda *_: seen.append(1))
    twin(x), net(x)
    assert seen == [1]


def test_names_and_parts():
    net = network()
    before = repr(net)
    net(noise(5, 6))
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]
    assert repr(net) == before and [type(module) for module in net] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
