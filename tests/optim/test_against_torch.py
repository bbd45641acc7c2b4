"""Every optimizer with every option moves parameters exactly as PyTorch's does: 25 steps, several groups, missing gradients."""

import numpy as np
import pytest

import minicnn
from minicnn import optim

torch = pytest.importorskip("torch")

SHAPES = [(4, 3), (5,), (), (2, 3, 2, 2), (1,)]
STEPS = 25

OPTIONS = {
    "SGD": [{}, {"lr": 0.1}, {"weight_decay": 0.1}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.5},
            {"momentum": 0.9, "dampening": -0.5}, {"momentum": 0.9, "nesterov": True}, {"momentum": 1.5},
            {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}, {"maximize": True},
            {"momentum": 0.5, "weight_decay": 0.2, "dampening": 0.1, "maximize": True}, {"lr": 0}],
    "Adam": [{}, {"lr": 0.1}, {"betas": (0.5, 0.7)}, {"betas": (0.0, 0.0)}, {"eps": 0.1}, {"eps": 0}, {"weight_decay": 0.1},
             {"amsgrad": True}, {"amsgrad": True, "weight_decay": 0.1, "maximize": True}, {"maximize": True},
             {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True},
             {"foreach": False, "fused": False}],
    "AdamW": [{}, {"lr": 0.1}, {"weight_decay": 0.3}, {"weight_decay": 0}, {"amsgrad": True, "eps": 1e-3},
              {"maximize": True, "betas": (0.8, 0.99)}],
    "NAdam": [{}, {"lr": 0.1}, {"betas": (0.5, 0.7)}, {"eps": 0.1}, {"weight_decay": 0.1}, {"momentum_decay": 0.06},
              {"weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0}, {"maximize": True}],
    "RAdam": [{}, {"lr": 0.1}, {"betas": (0.5, 0.7)}, {"betas": (0.9, 0.99)}, {"eps": 0.1}, {"weight_decay": 0.1},
              {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"maximize": True, "weight_decay": 0.1}],
    "RMSprop": [{}, {"lr": 0.1}, {"alpha": 0.5}, {"alpha": 0}, {"eps": 0.1}, {"weight_decay": 0.1}, {"momentum": 0.9},
                {"centered": True}, {"centered": True, "momentum": 0.1, "weight_decay": 0.1, "maximize": True}, {"maximize": True}],
    "Adagrad": [{}, {"lr": 0.1}, {"lr_decay": 0.5}, {"weight_decay": 0.1}, {"initial_accumulator_value": 0.3}, {"eps": 0.1},
                {"maximize": True, "lr_decay": 0.1, "weight_decay": 0.1}],
    "Adadelta": [{}, {"lr": 0.1}, {"rho": 0.5}, {"rho": 0}, {"rho": 1}, {"eps": 0.1}, {"weight_decay": 0.1}, {"maximize": True},
                 {"rho": 0.95, "weight_decay": 0.9, "maximize": True}],
    "Adamax": [{}, {"lr": 0.1}, {"betas": (0.5, 0.7)}, {"eps": 0.1}, {"weight_decay": 0.1}, {"maximize": True},
               {"maximize": True, "weight_decay": 0.9}],
}
CASES = [pytest.param(name, options, id=f"{name}-{'-'.join(f'{k}={v}' for k, v in options.items())}")
         for name, sets in OPTIONS.items() for options in sets]
NAMES = list(OPTIONS)
GROUPS_OF = {  # what the second group says differently
    "SGD": {"lr": 0.02, "momentum": 0.3}, "Adam": {"lr": 0.02, "betas": (0.8, 0.9)}, "AdamW": {"weight_decay": 0.4},
    "NAdam": {"lr": 0.02}, "RAdam": {"betas": (0.8, 0.9)}, "RMSprop": {"lr": 0.02, "alpha": 0.9, "centered": True},
    "Adagrad": {"lr": 0.02, "eps": 1e-3}, "Adadelta": {"lr": 0.5}, "Adamax": {"lr": 0.02, "eps": 1e-3},
}


class Pair:
    """The same parameters twice, ours and PyTorch's, and an optimizer for each."""

    def __init__(self, name, options, dtype=np.float64, seed=0, second_group=None):
        self.random = np.random.default_rng(seed)
        values = [self.random.normal(size=shape).astype(dtype) for shape in SHAPES]
        self.ours = [minicnn.Tensor(np.array(v), requires_grad=True) for v in values]
        self.theirs = [torch.tensor(v, requires_grad=True) for v in values]
        self.optimizers = [
            getattr(module, name)(self.grouped(parameters, second_group), **convert(options, module))
            for module, parameters in ((optim, self.ours), (torch.optim, self.theirs))]

    def grouped(self, parameters, second_group):
        if second_group is None:
            return parameters
        return [{"params": parameters[:2]}, {"params": parameters[2:], **second_group}]

    def give_gradients(self, missing=()):
        for number, (p, q) in enumerate(zip(self.ours, self.theirs)):
            g = self.random.normal(size=p.shape).astype(p.dtype)
            p.grad = None if number in missing else minicnn.Tensor(np.array(g))
            q.grad = None if number in missing else torch.tensor(g)

    def step(self, missing=()):
        self.give_gradients(missing)
        for optimizer in self.optimizers:
            optimizer.step()

    def check(self, rtol=1e-10):
        for p, q in zip(self.ours, self.theirs):
            assert p.dtype == q.detach().numpy().dtype
            np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=rtol, atol=rtol)


def convert(options, module):
    """Options in which a call of `number(x)` stands for a tensor of the module."""
    make = minicnn.tensor if module is optim else torch.tensor
    return {k: v(make) if callable(v) else v for k, v in options.items()}


def tolerance(name):
    return 1e-7 if name == "NAdam" else 1e-10       # NAdam keeps a product in float32, as PyTorch does


@pytest.mark.parametrize("name, options", CASES)
def test_same_parameters_at_every_step(name, options):
    pair = Pair(name, options)
    for t in range(STEPS):
        pair.step(missing={0: [1], 7: [0, 3], 8: range(9)}.get(t, ()))
        pair.check(tolerance(name))


@pytest.mark.parametrize("name, options", CASES)
def test_same_state(name, options):
    pair = Pair(name, options)
    for _ in range(5):
        pair.step(missing=[1])
    ours, theirs = (optimizer.state_dict() for optimizer in pair.optimizers)
    assert set(ours["state"]) == set(theirs["state"])
    for number, expected in theirs["state"].items():
        assert list(ours["state"][number]) == list(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(ours["state"][number][key].array, value.numpy(), rtol=1e-7)
            assert ours["state"][number][key].dtype == value.numpy().dtype
    assert ours["param_groups"] == theirs["param_groups"]


@pytest.mark.parametrize("name", NAMES)
def test_groups_have_their_own_options(name):
    pair = Pair(name, OPTIONS[name][-1], second_group=GROUPS_OF[name])
    for t in range(STEPS):
        pair.step(missing=[t % 7])
        pair.check(tolerance(name))


@pytest.mark.parametrize("name, options", CASES)
def test_float32(name, options):
    pair = Pair(name, options, np.float32)
    for _ in range(STEPS):
        pair.step()
    pair.check(1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_learning_rate_as_a_tensor_changes_in_place(name):
    pair = Pair(name, {"lr": lambda number: number(0.25)})
    for t in range(10):
        if t == 5:
            for optimizer in pair.optimizers:
                optimizer.param_groups[0]["lr"].fill_(0.0625)
        pair.step()
        pair.check(1e-7)


@pytest.mark.parametrize("betas", [(0.9, 0.99), ([[0.9]], [0.99])])
def test_betas_as_tensors(betas):
    pair = Pair("Adam", {"betas": lambda make: tuple(map(make, betas)), "lr": lambda make: make([0.1])})
    for _ in range(10):
        pair.step()
        pair.check(1e-6)        # PyTorch computes 1 − β in float32 here


def test_weight_decay_as_a_tensor():
    pair = Pair("SGD", {"weight_decay": lambda make: make(0.25), "lr": 0.1})
    for _ in range(10):
        pair.step()
    pair.check()


@pytest.mark.parametrize("name", NAMES)
def test_options_may_change_on_the_way(name):
    pair = Pair(name, OPTIONS[name][0])
    for t in range(12):
        if t == 4:
            for optimizer in pair.optimizers:
                optimizer.param_groups[0].update(lr=0.5, weight_decay=0.25, maximize=True)
        pair.step()
        pair.check(tolerance(name))


@pytest.mark.parametrize("name", NAMES)
def test_group_added_later(name):
    pair = Pair(name, {})
    extra = pair.random.normal(size=(3, 2))
    pair.step()
    pair.ours.append(minicnn.Tensor(np.array(extra), requires_grad=True))
    pair.theirs.append(torch.tensor(extra, requires_grad=True))
    for optimizer, parameters in zip(pair.optimizers, (pair.ours, pair.theirs)):
        optimizer.add_param_group({"params": parameters[-1], "lr": 0.3})
    for t in range(10):
        pair.step(missing=[5] if t == 0 else [])
        pair.check(tolerance(name))


def test_momentum_turned_on_later():
    pair = Pair("SGD", {"lr": 0.1})
    for t in range(10):
        for optimizer in pair.optimizers:
            optimizer.param_groups[0]["momentum"] = 0.9 if 3 < t < 8 else 0
        pair.step()
        pair.check()


@pytest.mark.parametrize("name", NAMES)
def test_zeros_infinities_and_nan_go_where_pytorchs_go(name):
    options = {} if name == "SGD" else {"eps": 0}
    pair = Pair(name, options)
    values = [0.0, 1e-200, 1e200, np.inf, np.nan]
    for _ in range(3):
        pair.give_gradients(missing=[0, 2, 3, 4])
        pair.ours[1].grad.array[...] = values
        pair.theirs[1].grad[...] = torch.tensor(values, dtype=torch.float64)
        for optimizer in pair.optimizers:
            optimizer.step()
        pair.check(tolerance(name))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_stay_as_they_are(name):
    pair = Pair(name, {"weight_decay": 0.1, "maximize": True})
    pair.give_gradients()
    before = [p.grad.array.copy() for p in pair.ours]
    pair.optimizers[0].step()
    assert all((p.grad.array == g).all() for p, g in zip(pair.ours, before))


@pytest.mark.parametrize("name", NAMES)
def test_any_memory_order(name):
    value, gradient = np.arange(24.0).reshape(2, 3, 4), np.random.default_rng(1).normal(size=(2, 3, 4))
    results = []
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        back = np.argsort(order)
        p = minicnn.Tensor(value.transpose(order).copy().transpose(back), requires_grad=True)
        optimizer = getattr(optim, name)([p], lr=0.1, weight_decay=0.1)
        for _ in range(3):
            p.grad = minicnn.Tensor(gradient.copy())
            optimizer.step()
        results.append(p.array)
    assert (results[0] == results[1]).all() and (results[0] == results[2]).all()


@pytest.mark.parametrize("name", NAMES)
def test_same_signature(name):
    import inspect

    ours, theirs = (inspect.signature(getattr(module, name).__init__) for module in (optim, torch.optim))
    assert list(ours.parameters) == list(theirs.parameters)
    for mine, his in zip(ours.parameters.values(), theirs.parameters.values()):
        assert (mine.kind, mine.default) == (his.kind, his.default)


@pytest.mark.parametrize("name", NAMES)
def test_same_repr_and_defaults(name):
    pair = Pair(name, OPTIONS[name][-1], second_group=GROUPS_OF[name])
    assert repr(pair.optimizers[0]) == repr(pair.optimizers[1])
    assert pair.optimizers[0].defaults == pair.optimizers[1].defaults
