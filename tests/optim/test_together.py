"""Many parameters moved by one compiled kernel: the same bits as by the rule, and everything that shares their memory follows."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import kernels, nn, optim
from minicnn.exercises import cases
from minicnn.exercises.cases import OptimizerCase
from minicnn.exercises.checks import check_definition

pytest.importorskip("numba")
from helpers.threads import threads_set_to  # noqa: E402

rates, coins = st.sampled_from([0.0, 0.01, 0.3]), st.booleans()
OPTIONS = {
    "SGD": st.fixed_dictionaries({"lr": rates, "momentum": st.sampled_from([0, 0.9]), "dampening": rates, "weight_decay": rates,
                                  "maximize": coins}),
    "Adam": st.fixed_dictionaries({"lr": rates, "weight_decay": rates, "amsgrad": coins, "maximize": coins,
                                   "betas": st.sampled_from([(0.9, 0.999), (0.0, 0.5)]), "decoupled_weight_decay": coins}),
    "AdamW": st.fixed_dictionaries({"lr": rates, "weight_decay": rates, "eps": st.sampled_from([1e-8, 0.1]), "amsgrad": coins}),
    "RMSprop": st.fixed_dictionaries({"lr": rates, "alpha": st.sampled_from([0.5, 0.99]), "momentum": st.sampled_from([0, 0.9]),
                                      "centered": coins, "weight_decay": rates, "maximize": coins}),
}
NAMES = list(OPTIONS)
cases_of_steps = st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), OPTIONS[name]))


def leaves(shapes, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return [minicnn.Tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in shapes]


def walk(parameters, optimizer, form, steps=3, seed=1, missing=()):
    rng = np.random.default_rng(seed)
    with kernels.using(form):
        for _ in range(steps):
            for i, p in enumerate(parameters):
                g = minicnn.Tensor(rng.normal(size=p.shape).astype(p.dtype))
                p.grad = None if i in missing else g
            optimizer.step()


def assert_same(some, others, optimizer, other):
    for p, q in zip(some, others):
        np.testing.assert_array_equal(p.array, q.array)
        assert list(optimizer.state[p]) == list(other.state[q])
        for name, kept in optimizer.state[p].items():
            np.testing.assert_array_equal(kept.array, other.state[q][name].array)


@settings(max_examples=60)
@given(case=cases_of_steps, dtype=st.sampled_from([np.float32, np.float64]), threads=st.integers(1, 3), seed=st.integers(0, 99),
       shapes=st.lists(st.lists(st.integers(1, 40), max_size=3).map(tuple), min_size=1, max_size=4), large=coins, alone=coins)
def test_the_same_bits_as_by_the_rule(case, dtype, threads, seed, shapes, large, alone):
    """Also where the elements of several parameters are shared out to threads."""
    (name, options), shapes = case, [*shapes, (181, 191)] if large else shapes
    one, other = leaves(shapes, dtype, seed), leaves(shapes, dtype, seed)
    by_rule, together = getattr(optim, name)(one, **options), getattr(optim, name)(other, **options)
    with threads_set_to(threads, alone):
        walk(one, by_rule, "array")
        walk(other, together, "numba")
    assert len(together._tables[0].fit) == len(shapes)
    assert_same(one, other, by_rule, together)


@pytest.mark.parametrize("case", [case for name in NAMES for case in cases.of(name) if isinstance(case, OptimizerCase)],
                         ids=lambda case: f"{case.operation}, {case.label}")
def test_the_kernel_equals_the_definition(case):
    with kernels.using("numba"):
        check_definition(case)


@pytest.mark.parametrize("name", NAMES)
def test_not_a_number_and_infinity_go_their_way(name):
    options = {"RMSprop": {"centered": True}, "Adam": {"amsgrad": True}}.get(name, {})
    p, q = leaves([(6,)])[0], leaves([(6,)])[0]
    one, other = getattr(optim, name)([p], **options), getattr(optim, name)([q], **options)
    for form, t, optimizer in (("array", p, one), ("numba", q, other)):
        with kernels.using(form):
            for numbers in ([np.nan, np.inf, -np.inf, 0, 1e30, -0.0], [1, 1, 1, np.nan, 1e-30, 0]):
                t.grad = minicnn.Tensor(np.array(numbers, np.float32))
                optimizer.step()
    assert_same([p], [q], one, other)


@pytest.mark.parametrize("form", ["array", "numba"])
def test_a_rate_that_float32_does_not_hold(form):
    p = leaves([(3,)])[0]
    p.grad = minicnn.Tensor(np.float32([1, -1, 0]))
    with kernels.using(form):
        optim.SGD([p], lr=1e39).step()                          # without a warning: pytest makes it an error
    np.testing.assert_array_equal(p.array, np.float32([-np.inf, np.inf, np.nan]))


def test_a_first_step_that_fails_is_still_the_first():
    p = leaves([(3,)])[0]
    before, optimizer = p.array.copy(), optim.SGD([p], lr=0.1, momentum=0.9, dampening=0.5)
    p.grad = minicnn.Tensor(np.float32([1, 1, 1]))
    with kernels.using("numba"):
        optimizer.param_groups[0]["lr"] = "no number"
        with pytest.raises(ValueError):
            optimizer.step()
        optimizer.param_groups[0]["lr"] = 0.1
        optimizer.step()
    np.testing.assert_allclose(p.array, before - np.float32(0.1))          # no dampening in the first step


# Whatever shares a parameter's memory follows ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_stays_where_it_is(name):
    memory = np.ones((3, 4), np.float32)
    model = nn.Linear(4, 3)
    model.weight = nn.Parameter(memory)
    saved, row = model.state_dict(), model.weight.detach()[1]
    walk(list(model.parameters()), getattr(optim, name)(model.parameters()), "numba")
    assert model.weight.array is memory and (memory != 1).all()
    assert (saved["weight"].array == memory).all() and (row.array == memory[1]).all()


def test_parameters_that_overlap_in_memory():
    memory = np.arange(8, dtype=np.float32)
    parts = [minicnn.Tensor(memory[start : start + 4], requires_grad=True) for start in (0, 2)]
    others = [minicnn.Tensor(memory.copy()[start : start + 4], requires_grad=True) for start in (0, 2)]
    others[1] = minicnn.Tensor(others[0].array.base[2:6], requires_grad=True)
    walk(parts, optim.SGD(parts, lr=0.1, momentum=0.9), "numba")
    walk(others, optim.SGD(others, lr=0.1, momentum=0.9), "array")
    np.testing.assert_array_equal(parts[0].array, others[0].array)
    np.testing.assert_array_equal(parts[1].array, others[1].array)


def replace_array(parameters, optimizer):
    for p in parameters:
        p.data = p.array.copy()


def put_elsewhere(parameters, optimizer):
    for p in parameters:
        for kept in optimizer.state[p].values():
            kept.array = kept.array.copy()


def forget(parameters, optimizer):
    optimizer.state.clear()


def forget_one_thing(parameters, optimizer):
    optimizer.state[parameters[0]].popitem()


def load_own_state(parameters, optimizer):
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))


def another_dtype(parameters, optimizer):
    for p in parameters:
        p.data = p.array.astype(np.float64)
    load_own_state(parameters, optimizer)


def lay_out_otherwise(parameters, optimizer):
    parameters[0].data = np.asfortranarray(parameters[0].array)


def add_a_group(parameters, optimizer):
    parameters += leaves([(5,)], seed=9)
    optimizer.add_param_group({"params": parameters[-1:], "lr": 0.5})


def change_options(parameters, optimizer):
    optimizer.param_groups[0].update(lr=0.7, weight_decay=0.2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [replace_array, put_elsewhere, forget, forget_one_thing, load_own_state, another_dtype,
                                    lay_out_otherwise, add_a_group, change_options], ids=lambda f: f.__name__)
def test_what_happens_between_steps(name, change):
    options = {"SGD": {"momentum": 0.9, "dampening": 0.5}, "RMSprop": {"momentum": 0.9, "centered": True}}.get(name, {})
    pairs = []
    for form in ("array", "numba"):
        parameters = leaves([(3, 4), (7,), ()])
        optimizer = getattr(optim, name)(parameters, **options)
        walk(parameters, optimizer, form)
        change(parameters, optimizer)
        walk(parameters, optimizer, form, seed=2)
        pairs.append((parameters, optimizer))
    (one, by_rule), (other, together) = pairs
    assert_same(one, other, by_rule, together)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_without_a_gradient(name):
    pairs = []
    for form in ("array", "numba"):
        parameters = leaves([(3, 4), (7,), (0, 2), (2,)])
        optimizer = getattr(optim, name)(parameters)
        for missing in ((), (1,), (1, 3), (), (0, 1, 2, 3)):
            walk(parameters, optimizer, form, 2, missing=missing)
        pairs.append((parameters, optimizer))
    assert_same(pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1])


def test_gradients_of_any_layout():
    p, q = leaves([(40, 30)])[0], leaves([(40, 30)])[0]
    g = np.random.default_rng(3).normal(size=(30, 80)).astype(np.float32)
    for form, t in (("array", p), ("numba", q)):
        t.grad = minicnn.Tensor(g[:, ::2].T)
        with kernels.using(form):
            optim.SGD([t], lr=0.1).step()
    np.testing.assert_array_equal(p.array, q.array)


def test_two_optimizers_of_one_parameter():
    results = []
    for form in ("array", "numba"):
        p, q = leaves([(4,), (5,)])
        first, second = optim.Adam([p, q]), optim.SGD([q, p], momentum=0.9, lr=0.1)
        for seed in range(3):
            walk([p, q], first, form, 1, seed)
            walk([p, q], second, form, 1, seed)
        results.append(np.concatenate([p.array, q.array]))
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["deepcopy", "pickle"])
def test_copies_have_memory_of_their_own(duplicate):
    parameters = leaves([(3,), (4,)])
    optimizer = optim.Adam(parameters)
    walk(parameters, optimizer, "numba")
    others, other = duplicate((parameters, optimizer))
    before = [q.array.copy() for q in others]
    walk(parameters, optimizer, "numba")
    assert all((q.array == kept).all() for q, kept in zip(others, before))
    walk(others, other, "numba")
    assert_same(parameters, others, optimizer, other)


def test_a_subclass_with_a_rule_of_its_own_keeps_it():
    class Signs(optim.SGD):
        def update(self, p, g, state, group):
            p -= np.sign(g) * group["lr"]

    p = minicnn.Tensor(np.float32([1, 2]), requires_grad=True)
    p.grad = minicnn.Tensor(np.float32([5, -5]))
    with kernels.using("numba"):
        Signs([p], lr=1.0).step()
    assert p.tolist() == [0, 3]
