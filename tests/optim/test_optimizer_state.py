"""Groups, saving and loading, hooks, closures: everything about an optimizer that is not its update rule."""

import copy
import pickle

import numpy as np
import pytest

import minicnn
from minicnn import errors, optim

NAMES = ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adamax"]
RICH = {"SGD": {"momentum": 0.9, "lr": 0.1}, "Adam": {"amsgrad": True}, "RMSprop": {"momentum": 0.9, "centered": True}}


def parameter(*shape, dtype=np.float64, seed=0):
    return minicnn.Tensor(np.random.default_rng(seed).normal(size=shape).astype(dtype), requires_grad=True)


def build(name, dtype=np.float64):
    parameters = [parameter(3, 2, dtype=dtype), parameter(4, dtype=dtype, seed=1)]
    groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.05, "weight_decay": 0.1}]
    return parameters, getattr(optim, name)(groups, **RICH.get(name, {}))


def walk(parameters, optimizer, steps, seed=7):
    random = np.random.default_rng(seed)
    for _ in range(steps):
        for p in parameters:
            p.grad = minicnn.Tensor(random.normal(size=p.shape).astype(p.dtype))
        optimizer.step()


def same(first, second):
    return all((p.array == q.array).all() for p, q in zip(first, second))


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_in_the_middle(name):
    parameters, optimizer = build(name)
    walk(parameters, optimizer, 5)
    others, other = build(name)
    for p, q in zip(parameters, others):
        q.array[...] = p.array
    saved = copy.deepcopy(optimizer.state_dict())
    other.load_state_dict(optimizer.state_dict())
    walk(parameters, optimizer, 5, seed=8)
    walk(others, other, 5, seed=8)
    assert same(parameters, others)
    assert optimizer.state_dict()["param_groups"] == other.state_dict()["param_groups"]
    third, latest = build(name)
    latest.load_state_dict(saved)       # what was copied did not follow the optimizer
    assert all((saved["state"][0][key].array == value.array).all() for key, value in latest.state[third[0]].items())


@pytest.mark.parametrize("name", NAMES)
def test_loading_copies(name):
    parameters, optimizer = build(name)
    walk(parameters, optimizer, 2)
    others, other = build(name)
    other.load_state_dict(optimizer.state_dict())
    before = copy.deepcopy(other.state_dict())
    walk(parameters, optimizer, 1)
    for key, value in before["state"][0].items():
        np.testing.assert_array_equal(other.state[others[0]][key].array, value.array)


def test_loading_copies_a_rate_that_is_a_tensor():
    one, other = (optim.SGD([parameter(2)], lr=minicnn.tensor(rate)) for rate in (0.5, 0.25))
    saved = one.state_dict()
    other.load_state_dict(saved)
    other.param_groups[0]["lr"].fill_(0.125)
    assert one.param_groups[0]["lr"].item() == saved["param_groups"][0]["lr"].item() == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_pytorchs_state_can_be_loaded(name):
    torch = pytest.importorskip("torch")
    parameters, optimizer = build(name)
    theirs = [torch.tensor(p.array.copy(), requires_grad=True) for p in parameters]
    groups = [{"params": theirs[:1]}, {"params": theirs[1:], "lr": 0.05, "weight_decay": 0.1}]
    reference = getattr(torch.optim, name)(groups, **RICH.get(name, {}))
    random = np.random.default_rng(3)
    for t in range(10):
        for p, q in zip(parameters, theirs):
            g = random.normal(size=p.shape)
            p.grad, q.grad = minicnn.Tensor(g), torch.tensor(g)
        reference.step()
        if t < 5:
            continue
        if t == 5:
            for p, q in zip(parameters, theirs):
                p.array[...] = q.detach().numpy()
            optimizer.load_state_dict(reference.state_dict())
            continue
        optimizer.step()
        for p, q in zip(parameters, theirs):
            np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_loading_casts_to_the_parameters_dtype(name):
    parameters, optimizer = build(name, np.float64)
    walk(parameters, optimizer, 2)
    others, other = build(name, np.float32)
    other.load_state_dict(optimizer.state_dict())
    for key, value in other.state[others[0]].items():
        assert value.dtype == np.float32 and isinstance(value, minicnn.Tensor), key
    walk(others, other, 1)
    assert others[0].dtype == np.float32


def test_step_counts_that_are_numbers_in_old_files():
    parameters, optimizer = build("Adam")
    walk(parameters, optimizer, 3)
    saved = copy.deepcopy(optimizer.state_dict())
    for state in saved["state"].values():
        state["step"] = int(state["step"].item())
    others, other = build("Adam")
    other.load_state_dict(saved)
    for p, q in zip(parameters, others):
        q.array[...] = p.array
    walk(parameters, optimizer, 2)
    walk(others, other, 2)
    assert same(parameters, others)


def test_options_missing_in_old_files_are_the_defaults():
    parameters, optimizer = build("SGD")
    saved = optimizer.state_dict()
    for group in saved["param_groups"]:
        del group["nesterov"], group["maximize"]
    optimizer.load_state_dict(saved)
    walk(parameters, optimizer, 1)
    assert optimizer.param_groups[0]["nesterov"] is False


def test_adamw_stays_decoupled_when_adams_state_is_loaded():
    _, adam = build("Adam")
    _, adamw = build("AdamW")
    adamw.load_state_dict(adam.state_dict())
    assert adamw.param_groups[0]["decoupled_weight_decay"] is True


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_copies_and_pickles_go_on_alike(name, duplicate):
    parameters, optimizer = build(name)
    walk(parameters, optimizer, 3)
    others, other = duplicate((parameters, optimizer))
    assert others[0] is not parameters[0] and other.param_groups[0]["params"][0] is others[0]
    walk(parameters, optimizer, 3)
    walk(others, other, 3)
    assert same(parameters, others)


def test_state_dict_layout():
    parameters, optimizer = build("SGD")
    walk(parameters, optimizer, 1)
    saved = optimizer.state_dict()
    assert list(saved) == ["state", "param_groups"]
    assert [group["params"] for group in saved["param_groups"]] == [[0], [1]]
    assert set(saved["state"]) == {0, 1} and list(saved["state"][1]) == ["momentum_buffer"]
    assert optimizer.param_groups[0]["params"][0] is parameters[0]


def test_own_entries_survive():
    parameters, optimizer = build("SGD")
    optimizer.state["note"] = {"ages": [1, 2]}
    optimizer.state[parameters[0]]["own"] = [minicnn.Tensor(np.ones(3, np.float32)), "text", 7]
    _, other = build("SGD")
    other.load_state_dict(optimizer.state_dict())
    assert other.state["note"] == {"ages": [1, 2]} and other.state["note"] is not optimizer.state["note"]
    own = other.state[other.param_groups[0]["params"][0]]["own"]
    assert own[0].dtype == np.float64 and own[1:] == ["text", 7]


@pytest.mark.parametrize("change, message", [
    (lambda saved: saved["param_groups"].pop(), r"groups of \[1\] parameters; this optimizer has groups of \[1, 1\]"),
    (lambda saved: saved["param_groups"][0]["params"].append(9), r"groups of \[2, 1\]"),
    (lambda saved: saved.pop("state"), "'state' and 'param_groups'"),
])
def test_states_of_another_shape_are_refused(change, message):
    _, optimizer = build("SGD")
    saved = optimizer.state_dict()
    change(saved)
    with pytest.raises(errors.BadValue, match=message):
        optimizer.load_state_dict(saved)


def test_zero_grad():
    p, q = parameter(3), parameter(2)
    optimizer = optim.SGD([p, q])
    p.grad = minicnn.Tensor(np.ones(3))
    gradient = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is gradient and (gradient.array == 0).all() and q.grad is None
    optimizer.zero_grad()
    assert p.grad is None
    (p * p).sum().backward(create_graph=True)
    optimizer.zero_grad(set_to_none=False)
    assert not p.grad.requires_grad and (p.grad.array == 0).all()


def test_closure_is_evaluated_with_gradients_and_its_loss_returned():
    p = minicnn.Tensor(np.array([3.0]), requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with minicnn.no_grad():
        assert optimizer.step(closure).item() == 9
    np.testing.assert_allclose(p.array, [2.4])
    assert optimizer.step() is None


def test_a_step_is_seen_by_the_version_counter():
    p = minicnn.Tensor(np.ones(3), requires_grad=True)
    loss = (p * p).sum()
    p.grad = minicnn.Tensor(np.ones(3))
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(errors.GraphError, match="in place"):
        loss.backward()


def test_training_reaches_the_minimum():
    random = np.random.default_rng(0)
    x, w = minicnn.Tensor(random.normal(size=(50, 3))), np.array([[1.0], [-2.0], [0.5]])
    y = minicnn.Tensor(x.array @ w)
    for name, lr in [("SGD", 0.1), ("Adam", 0.1), ("RMSprop", 0.01), ("Adagrad", 0.5), ("NAdam", 0.1), ("RAdam", 0.1), ("Adamax", 0.1)]:
        p = minicnn.Tensor(np.zeros((3, 1)), requires_grad=True)
        optimizer = getattr(optim, name)([p], lr=lr)
        for _ in range(400):
            optimizer.zero_grad()
            ((x @ p - y) ** 2).mean().backward()
            optimizer.step()
        np.testing.assert_allclose(p.array, w, atol=0.02, err_msg=name)


def test_hooks_around_a_step():
    p = parameter(1)
    optimizer = optim.SGD([p], lr=0.1)
    seen = []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o is optimizer, p.array[0])))
    after = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", o is optimizer, p.array[0])))
    p.grad = minicnn.Tensor(np.ones(1))
    start = p.array[0]
    optimizer.step()
    assert seen == [("before", True, start), ("after", True, start - 0.1)]
    before.remove()
    after.remove()
    optimizer.step()
    assert len(seen) == 2


def test_a_step_hook_may_replace_the_arguments():
    optimizer = optim.SGD([parameter(1)])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 5), {}))
    assert optimizer.step(lambda: 3) == 5
    optimizer.register_step_pre_hook(lambda o, args, kwargs: "nonsense")
    with pytest.raises(errors.BadType, match="pair"):
        optimizer.step()


def test_hooks_around_saving_and_loading():
    _, optimizer = build("SGD")
    order = []
    optimizer.register_state_dict_pre_hook(lambda o: order.append("save 2"))
    optimizer.register_state_dict_pre_hook(lambda o: order.append("save 1"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, saved: {**saved, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, saved: order.append(saved["extra"]))
    optimizer.register_load_state_dict_post_hook(lambda o: order.append("loaded"))
    saved = optimizer.state_dict()
    optimizer.load_state_dict(saved)
    assert order == ["save 1", "save 2", 1, "loaded"] and saved["extra"] == 1


def test_named_parameters():
    p, q = parameter(1), parameter(2)
    optimizer = optim.SGD([("first.weight", p), ("first.bias", q)], lr=0.1)
    assert optimizer.param_groups[0]["params"] == [p, q]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["first.weight", "first.bias"]
    other = optim.SGD([p, q], lr=0.2)
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["param_names"] == ["first.weight", "first.bias"] and other.param_groups[0]["lr"] == 0.1


def test_own_optimizer_in_pytorchs_way():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})

        @minicnn.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self.state[p]["step"] = self.state[p].get("step", 0) + 1
                        p.add_(np.sign(p.grad.array) * -group["lr"])

    p = minicnn.Tensor(np.array([1.0, -1.0]), requires_grad=True)
    optimizer = Sign([p])
    called = []
    optimizer.register_step_post_hook(lambda *_: called.append(1))
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1)
    (p * p).sum().backward()
    optimizer.step()
    scheduler.step()        # would warn, hence fail, if the step had gone unnoticed
    np.testing.assert_allclose(p.array, [0.9, -0.9])
    assert called == [1] and optimizer.state_dict()["state"][0]["step"] == 1


def test_group_dicts_are_completed_in_place():
    group = {"params": [parameter(1)], "lr": 0.5, "name": "head"}
    optimizer = optim.SGD([group], momentum=0.9)
    assert optimizer.param_groups[0] is group and group["momentum"] == 0.9 and group["name"] == "head"


@pytest.mark.parametrize("spoil", ["momentum of another shape", "gradient of another shape"])
def test_what_does_not_fit_the_parameter_is_refused(spoil):
    """It must not be read or written beyond its end."""
    p = minicnn.nn.Parameter(minicnn.zeros(10))
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = minicnn.ones(10)
    optimizer.step()
    p.data = minicnn.zeros(100_000)
    if spoil == "momentum of another shape":
        p.grad = minicnn.ones(100_000)
    with pytest.raises(ValueError):
        optimizer.step()
