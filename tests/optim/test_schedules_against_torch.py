"""Every schedule sets PyTorch's learning rate (and momentum) at every step, also in chains, after restarts and by hand."""

import math
import warnings

import numpy as np
import pytest

import minicnn
from minicnn import optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

EPOCHS = 60
S = "lr_scheduler"


class Square:
    """A function of the epoch that is an object."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, epoch):
        return self.scale * epoch**2 + 1


SCHEDULES = {
    "StepLR": [{"step_size": 3}, {"step_size": 1, "gamma": 0.9}, {"step_size": 7, "gamma": 1.5}, {"step_size": 100}],
    "MultiStepLR": [{"milestones": [2, 5, 9]}, {"milestones": [9, 2, 5, 5], "gamma": 0.5}, {"milestones": []}, {"milestones": [0]},
                    {"milestones": (3, 60), "gamma": 2.0}],
    "ExponentialLR": [{"gamma": 0.9}, {"gamma": 1.0}, {"gamma": 0.0}],
    "ConstantLR": [{}, {"factor": 0.5, "total_iters": 4}, {"factor": 1.0}, {"factor": 0.25, "total_iters": 0}, {"total_iters": 100}],
    "LinearLR": [{}, {"start_factor": 0.5, "total_iters": 4}, {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 10},
                 {"start_factor": 0.3, "end_factor": 0.7, "total_iters": 100}, {"total_iters": 0}, {"total_iters": 1}],
    "PolynomialLR": [{}, {"total_iters": 10, "power": 0.9}, {"total_iters": 100, "power": 2}, {"total_iters": 1}, {"total_iters": 0}],
    "CosineAnnealingLR": [{"T_max": 10}, {"T_max": 7, "eta_min": 1e-3}, {"T_max": 1}, {"T_max": 100, "eta_min": 0.01},
                          {"T_max": 5, "eta_min": 0.2}],
    "CosineAnnealingWarmRestarts": [{"T_0": 10}, {"T_0": 1}, {"T_0": 3, "T_mult": 2}, {"T_0": 2, "T_mult": 3, "eta_min": 1e-3},
                                    {"T_0": 100}],
    "LambdaLR": [{"lr_lambda": lambda epoch: 0.95**epoch}, {"lr_lambda": Square(0.1)}],
    "MultiplicativeLR": [{"lr_lambda": lambda epoch: 0.95}, {"lr_lambda": Square(0.001)}],
    "OneCycleLR": [{"max_lr": 0.5, "total_steps": 60}, {"max_lr": 0.5, "epochs": 6, "steps_per_epoch": 10},
                   {"max_lr": 0.5, "total_steps": 60, "anneal_strategy": "linear"}, {"max_lr": 0.5, "total_steps": 61, "pct_start": 0.45},
                   {"max_lr": 0.5, "total_steps": 60, "three_phase": True},
                   {"max_lr": 0.5, "total_steps": 75, "three_phase": True, "anneal_strategy": "linear", "div_factor": 10.0},
                   {"max_lr": 0.5, "total_steps": 60, "cycle_momentum": False, "final_div_factor": 10},
                   {"max_lr": 0.5, "total_steps": 60, "base_momentum": 0.7, "max_momentum": 0.8, "pct_start": 0.0},
                   {"max_lr": 0.5, "total_steps": 64, "pct_start": 1.0}],
    "CyclicLR": [{"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 4}, {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 4, "step_size_down": 7},
                 {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "mode": "triangular2"},
                 {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "mode": "exp_range", "gamma": 0.97},
                 {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "scale_fn": lambda x: 1 / 5**x * 7, "scale_mode": "cycle"},
                 {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "scale_fn": Square(0.01), "scale_mode": "iterations"},
                 {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "scale_fn": lambda x: 0.5, "mode": "own"},
                 {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "cycle_momentum": False},
                 {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "base_momentum": 0.6, "max_momentum": 0.95},
                 {"base_lr": 0.1, "max_lr": 0.5}, {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 6, "step_size_down": 0}],
}
GROUPED = [
    ("LambdaLR", {"lr_lambda": [lambda epoch: 0.9**epoch, Square(0.2)]}),
    ("MultiplicativeLR", {"lr_lambda": [lambda epoch: 0.9, Square(0.001)]}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "total_steps": 60, "base_momentum": [0.8, 0.7], "max_momentum": [0.9, 0.95]}),
    ("CyclicLR", {"base_lr": [0.1, 0.2], "max_lr": [0.5, 0.3], "step_size_up": 6, "base_momentum": [0.8, 0.7],
                  "max_momentum": [0.9, 0.95]}),
]
CASES = [pytest.param(name, options, id=f"{name}-{number}") for name, sets in SCHEDULES.items() for number, options in enumerate(sets)]
CASES += [pytest.param(name, options, id=f"{name}-grouped") for name, options in GROUPED]


def optimizers(kind="SGD", lr=0.05, second_lr=0.5, **options):
    """Our optimizer and PyTorch's, each with two groups of one parameter."""
    pair = []
    for module, tensor in ((optim, minicnn.Tensor), (torch.optim, torch.tensor)):
        p, q = (tensor(np.ones(1), requires_grad=True) for _ in range(2))
        rates = [make_tensor(minicnn if module is optim else torch, rate) for rate in (lr, second_lr)]
        pair.append(getattr(module, kind)([{"params": [p], "lr": rates[0]}, {"params": [q], "lr": rates[1]}], **options))
    return pair


def make_tensor(module, rate):
    return module.tensor(rate[0]) if isinstance(rate, tuple) else rate


def schedule(optimizer, name, options):
    module = optim if isinstance(optimizer, optim.Optimizer) else torch.optim
    return getattr(module.lr_scheduler, name)(optimizer, **options)


def check(ours, theirs, rtol=1e-12):
    for group, expected in zip(ours.param_groups, theirs.param_groups):
        for key in ("lr", "momentum", "betas", "initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum"):
            assert (key in group) == (key in expected)
            if key in group:
                np.testing.assert_allclose(np.asarray(group[key], float), np.asarray(expected[key], float), rtol=rtol, atol=1e-15)


def check_last(ours, theirs, rtol=1e-12):
    np.testing.assert_allclose([float(r) for r in ours.get_last_lr()], [float(r) for r in theirs.get_last_lr()], rtol=rtol, atol=1e-15)


def follow(pair, schedules, epochs=EPOCHS, rtol=1e-12, between=lambda epoch, pair: None):
    """Step both and compare at every epoch."""
    check(*pair, rtol)
    for epoch in range(epochs):
        between(epoch, pair)
        for ours, theirs in schedules:
            ours.step()
            theirs.step()
            check_last(ours, theirs, rtol)
            assert ours.last_epoch == theirs.last_epoch if hasattr(theirs, "last_epoch") else True
        check(*pair, rtol)


@pytest.mark.parametrize("name, options", CASES)
def test_rate_at_every_step(name, options):
    pair = optimizers(momentum=0.9)
    follow(pair, [[schedule(o, name, options) for o in pair]])


@pytest.mark.parametrize("name, options", CASES)
def test_adam_cycles_its_first_beta(name, options):
    pair = optimizers("Adam")
    follow(pair, [[schedule(o, name, options) for o in pair]], epochs=20)


@pytest.mark.parametrize("name, options", CASES)
def test_rate_changed_by_hand(name, options):
    def by_hand(epoch, pair):
        if epoch in (4, 17):
            for optimizer in pair:
                optimizer.param_groups[0]["lr"] *= 0.75

    pair = optimizers(momentum=0.9)
    follow(pair, [[schedule(o, name, options) for o in pair]], between=by_hand)


@pytest.mark.parametrize("name, options", CASES)
def test_rate_as_a_tensor(name, options):
    pair = optimizers(lr=(0.05,), second_lr=(0.5,), momentum=0.9)
    tensors = [group["lr"] for group in pair[0].param_groups]
    follow(pair, [[schedule(o, name, options) for o in pair]], epochs=25, rtol=2e-5)
    assert all(group["lr"] is tensor for group, tensor in zip(pair[0].param_groups, tensors))


@pytest.mark.parametrize("name, options", CASES)
@pytest.mark.parametrize("last_epoch", [0, 5, 13])
def test_going_on_from_a_later_epoch(name, options, last_epoch):
    pair = optimizers(momentum=0.9)
    for optimizer in pair:
        for group, (low, high) in zip(optimizer.param_groups, [(0.85, 0.95), (0.8, 0.9)]):
            group.update(initial_lr=group["lr"] * 2, max_lr=0.5, min_lr=1e-4, base_momentum=low, max_momentum=high)
    follow(pair, [[schedule(o, name, {**options, "last_epoch": last_epoch}) for o in pair]], epochs=40)


@pytest.mark.parametrize("name, options", CASES)
def test_saved_in_the_middle(name, options):
    pair = optimizers(momentum=0.9)
    schedules = [schedule(o, name, options) for o in pair]
    follow(pair, [schedules], epochs=11)
    fresh, = optimizers(momentum=0.9)[:1]
    copy = schedule(fresh, name, options)
    copy.load_state_dict(schedules[0].state_dict())
    fresh.load_state_dict(pair[0].state_dict())
    assert copy.get_last_lr() == schedules[0].get_last_lr() and copy.last_epoch == schedules[0].last_epoch
    follow([fresh, pair[1]], [[copy, schedules[1]]], epochs=30)


@pytest.mark.parametrize("name, options", CASES)
def test_pytorch_state_can_be_loaded(name, options):
    pair = optimizers(momentum=0.9)
    schedules = [schedule(o, name, options) for o in pair]
    for _ in range(11):
        schedules[1].step()
    schedules[0].load_state_dict(schedules[1].state_dict())
    for group, saved in zip(pair[0].param_groups, pair[1].param_groups):
        group.update(lr=saved["lr"], momentum=saved["momentum"])
    follow(pair, [schedules], epochs=10)


@pytest.mark.parametrize("name, options", CASES)
def test_same_state_keys(name, options):
    ours, theirs = (schedule(o, name, options).state_dict() for o in optimizers(momentum=0.9))
    assert set(theirs) - {"_get_lr_called_within_step"} == set(ours)


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n not in ("OneCycleLR", "CyclicLR")])
def test_step_to_an_epoch(name):
    for options in SCHEDULES[name]:
        if options.get("total_iters") == 0 and name != "ConstantLR":
            continue        # their closed form divides by 0
        pair = optimizers()
        ours, theirs = (schedule(o, name, options) for o in pair)
        for epoch in (1, 2, 5, 6, 3, 10, 11, 40, 0, None, None, 20, None):
            ours.step(epoch)
            theirs.step(epoch)
            check(*pair)


def test_warm_restarts_at_fractions_of_an_epoch():
    for options in SCHEDULES["CosineAnnealingWarmRestarts"]:
        pair = optimizers()
        ours, theirs = (schedule(o, "CosineAnnealingWarmRestarts", options) for o in pair)
        for epoch in np.linspace(0, 90, 271):
            ours.step(float(epoch))
            theirs.step(float(epoch))
            check(*pair, rtol=1e-9)


PAIRS = [(a, b) for a in ("StepLR", "ExponentialLR", "LinearLR", "CosineAnnealingLR", "PolynomialLR", "ConstantLR", "MultiStepLR")
         for b in ("ExponentialLR", "LinearLR", "CosineAnnealingLR", "MultiplicativeLR", "CosineAnnealingWarmRestarts", "LambdaLR")]


@pytest.mark.parametrize("first, second", PAIRS)
def test_two_schedules_on_one_optimizer(first, second):
    pair = optimizers()
    one = [schedule(o, first, SCHEDULES[first][0]) for o in pair]
    two = [schedule(o, second, SCHEDULES[second][0]) for o in pair]
    follow(pair, [one, two])


@pytest.mark.parametrize("first, second", PAIRS)
def test_chained(first, second):
    pair = optimizers()
    chained = []
    for o in pair:
        parts = [schedule(o, name, SCHEDULES[name][0]) for name in (first, second, "MultiStepLR")]
        chained.append((optim if o is pair[0] else torch.optim).lr_scheduler.ChainedScheduler(parts, optimizer=o))
    follow(pair, [chained])


def sequence(optimizer, names, milestones, **kwargs):
    module = (optim if isinstance(optimizer, optim.Optimizer) else torch.optim).lr_scheduler
    parts = [schedule(optimizer, name, options) for name, options in names]
    return module.SequentialLR(optimizer, parts, milestones, **kwargs)


SEQUENCES = [
    ([("ConstantLR", {"factor": 0.1, "total_iters": 2}), ("ExponentialLR", {"gamma": 0.9})], [2]),
    ([("LinearLR", {"total_iters": 5}), ("CosineAnnealingLR", {"T_max": 20})], [5]),
    ([("LinearLR", {"start_factor": 0.01, "total_iters": 10}), ("CosineAnnealingLR", {"T_max": 10}), ("ConstantLR", {}),
      ("ExponentialLR", {"gamma": 0.8})], [10, 20, 31]),
    ([("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 3}), ("MultiStepLR", {"milestones": [2, 4]}),
      ("PolynomialLR", {"total_iters": 7})], [7, 15, 30]),
    ([("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 2}), ("ExponentialLR", {"gamma": 0.9})], [16]),
    ([("ExponentialLR", {"gamma": 0.9}), ("CosineAnnealingWarmRestarts", {"T_0": 5})], [16]),
    ([("LambdaLR", {"lr_lambda": lambda epoch: epoch / 10}), ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.95})], [10]),
    ([("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 4, "cycle_momentum": False}), ("ConstantLR", {})], [20]),
    ([("ConstantLR", {}), ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 4, "cycle_momentum": False})], [20]),
    ([("ConstantLR", {"total_iters": 3}), ("OneCycleLR", {"max_lr": 0.5, "total_steps": 60})], [10]),
    ([("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 2}), ("ConstantLR", {})], [5, 5]),
    ([("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 2})], [0]),
    ([("ExponentialLR", {"gamma": 0.9})], []),
]


@pytest.mark.parametrize("names, milestones", SEQUENCES)
def test_sequential(names, milestones):
    pair = optimizers(momentum=0.9)
    follow(pair, [[sequence(o, names, milestones) for o in pair]], epochs=50)


@pytest.mark.parametrize("names, milestones", SEQUENCES)
def test_sequential_saved_in_the_middle(names, milestones):
    for stop in (4, 10, 17):
        pair = optimizers(momentum=0.9)
        schedules = [sequence(o, names, milestones) for o in pair]
        follow(pair, [schedules], epochs=stop)
        fresh, = optimizers(momentum=0.9)[:1]
        copy = sequence(fresh, names, milestones)
        copy.load_state_dict(schedules[0].state_dict())
        fresh.load_state_dict(pair[0].state_dict())
        follow([fresh, pair[1]], [[copy, schedules[1]]], epochs=30)


def test_sequences_do_not_warn():
    optimizer, _ = optimizers(momentum=0.9)
    scheduler = sequence(optimizer, *SEQUENCES[2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(40):
            optimizer.step()
            scheduler.step()


def test_sequences_and_chains_inside_each_other():
    def build(o):
        module = (optim if isinstance(o, optim.Optimizer) else torch.optim).lr_scheduler
        inner = sequence(o, SEQUENCES[1][0], [5])
        chain = module.ChainedScheduler([schedule(o, "ExponentialLR", {"gamma": 0.95}), schedule(o, "StepLR", {"step_size": 4})])
        return inner, chain

    pair = optimizers()
    built = [build(o) for o in pair]
    follow(pair, [[b[0] for b in built], [b[1] for b in built]], epochs=40)
    pair = optimizers()
    chains = [type(c)([s, schedule(o, "ExponentialLR", {"gamma": 0.95})]) for o in pair for s, c in [build(o)]]
    follow(pair, [chains], epochs=40)


def test_sequence_of_a_sequence():
    pair = optimizers()
    outer = []
    for o in pair:
        module = (optim if o is pair[0] else torch.optim).lr_scheduler
        inner = sequence(o, SEQUENCES[0][0], [2])
        outer.append(module.SequentialLR(o, [inner, schedule(o, "ExponentialLR", {"gamma": 0.5})], [10]))
    follow(pair, [outer], epochs=30)


PLATEAU = [{}, {"mode": "max"}, {"factor": 0.5, "patience": 0}, {"patience": 3, "cooldown": 2}, {"threshold": 0.1, "patience": 2},
           {"threshold_mode": "abs", "threshold": 0.05, "patience": 1}, {"mode": "max", "threshold_mode": "abs", "patience": 1},
           {"mode": "max", "threshold": 0.2, "patience": 1, "cooldown": 1}, {"min_lr": 0.04, "patience": 0},
           {"min_lr": [0.01, 0.3], "patience": 0, "factor": 0.7}, {"eps": 0.1, "patience": 0}, {"patience": 5, "cooldown": 10}]


@pytest.mark.parametrize("options", PLATEAU)
@pytest.mark.parametrize("kind", ["falling", "rising", "flat", "noisy", "negative", "nan"])
def test_plateau(options, kind):
    random = np.random.default_rng(3)
    metrics = {"falling": [1 / (1 + e) for e in range(EPOCHS)], "rising": [0.1 * e for e in range(EPOCHS)], "flat": [1.0] * EPOCHS,
               "noisy": list(random.normal(1, 0.3, EPOCHS)), "negative": list(-random.random(EPOCHS)),
               "nan": [math.nan if e % 3 else 1 / (e + 1) for e in range(EPOCHS)]}[kind]
    pair = optimizers()
    ours, theirs = (schedule(o, "ReduceLROnPlateau", options) for o in pair)
    for epoch, metric in enumerate(metrics):
        ours.step(metric)
        theirs.step(metric)
        check(*pair)
        check_last(ours, theirs)
        a, b = ours.state_dict(), theirs.state_dict()
        assert set(a) == set(b) and all(a[k] == b[k] or a[k] != a[k] for k in set(a) - {"_last_lr"})
        if epoch == 20:
            copy = schedule(pair[0], "ReduceLROnPlateau", {})
            copy.load_state_dict(a)
            ours = copy


def test_plateau_takes_tensors_epochs_and_new_groups():
    pair = optimizers()
    ours, theirs = (schedule(o, "ReduceLROnPlateau", {"patience": 0}) for o in pair)
    ours.step(minicnn.tensor(1.0), epoch=7)
    theirs.step(torch.tensor(1.0), epoch=7)
    assert ours.last_epoch == theirs.last_epoch == 7
    pair[0].add_param_group({"params": minicnn.Tensor(np.ones(1), requires_grad=True), "lr": 0.7})
    pair[1].add_param_group({"params": torch.ones(1, requires_grad=True), "lr": 0.7})
    ours.step(1.0)
    theirs.step(1.0)
    check(*pair)


def test_constant_factor_of_zero_ends():
    optimizer, _ = optimizers()
    scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0, total_iters=3)
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert rates == [0, 0, 0, 0.05, 0.05]


def test_own_schedule_in_pytorchs_way():
    def build(module, optimizer):
        class Halving(module.LRScheduler):
            def __init__(self, optimizer, every, last_epoch=-1):
                self.every = every
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                return [base * 0.5 ** (self.last_epoch // self.every) for base in self.base_lrs]

        return Halving(optimizer, 3)

    pair = optimizers()
    follow(pair, [[build(optim.lr_scheduler, pair[0]), build(torch.optim.lr_scheduler, pair[1])]], epochs=10)


@pytest.mark.parametrize("name", [*SCHEDULES, "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler", "LRScheduler"])
def test_same_signature(name):
    import inspect

    ours, theirs = (inspect.signature(getattr(module.lr_scheduler, name).__init__) for module in (optim, torch.optim))
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == \
        [(p.name, p.kind, p.default) for p in theirs.parameters.values()]


def test_warning_when_the_schedule_steps_first():
    optimizer, _ = optimizers()
    scheduler = optim.lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        scheduler.step()
    optimizer, _ = optimizers()
    scheduler = optim.lr_scheduler.StepLR(optimizer, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()
    with pytest.warns(UserWarning, match="closed form"):
        scheduler.step(4)
