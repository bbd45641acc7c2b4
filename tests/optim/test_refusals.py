"""What PyTorch's optimizers and schedules refuse is refused, and so is what is not finite; each in a clear sentence."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import errors, optim
from minicnn.optim import lr_scheduler

NAMES = ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adamax"]
NUMBERS = {
    "SGD": ["lr", "momentum", "weight_decay"], "Adam": ["lr", "eps", "weight_decay"], "AdamW": ["lr", "eps", "weight_decay"],
    "NAdam": ["lr", "eps", "weight_decay", "momentum_decay"], "RAdam": ["lr", "eps", "weight_decay"],
    "RMSprop": ["lr", "alpha", "eps", "weight_decay", "momentum"], "Adadelta": ["lr", "rho", "eps", "weight_decay"],
    "Adagrad": ["lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"], "Adamax": ["lr", "eps", "weight_decay"],
}


def parameter(*shape):
    return minicnn.Tensor(np.ones(shape), requires_grad=True)


def optimizer(**options):
    return optim.SGD([{"params": [parameter(1)]}, {"params": [parameter(2)]}], **{"lr": 0.1, "momentum": 0.9, **options})


@pytest.mark.parametrize("name, option", [(name, option) for name in NAMES for option in NUMBERS[name]])
def test_numbers(name, option):
    for value in (-1e-9, -1, math.nan, math.inf, -math.inf):
        with pytest.raises(errors.BadValue, match=option):
            getattr(optim, name)([parameter(1)], **{option: value})
        with pytest.raises(errors.BadValue, match=option):
            getattr(optim, name)([{"params": [parameter(1)], option: value}])
    for value in ("0.1", None, [0.1], 1j):
        with pytest.raises(errors.BadType, match=f"{option} must be a number"):
            getattr(optim, name)([parameter(1)], **{option: value})
    getattr(optim, name)([parameter(1)], **{option: 0})


@pytest.mark.parametrize("name", ["Adam", "AdamW", "NAdam", "RAdam", "Adamax"])
@pytest.mark.parametrize("betas", [(1.0, 0.0), (0.0, 1.0), (-0.1, 0.9), (0.9, 1.5), (0.9, math.nan), (0.9,), (0.9, 0.9, 0.9), 0.9, None])
def test_betas(name, betas):
    with pytest.raises(errors.BadValue, match="betas"):
        getattr(optim, name)([parameter(1)], betas=betas)


@pytest.mark.parametrize("options", [
    {"betas": (0, 0.9)}, {"betas": (0.9, minicnn.tensor(0.9))}, {"lr": minicnn.tensor(0.1), "foreach": True},
    {"betas": (minicnn.tensor(0.9), minicnn.tensor(0.9)), "foreach": True}, {"betas": (minicnn.tensor([0.9, 0.9]), minicnn.tensor(0.9))}])
def test_adams_mixtures(options):
    with pytest.raises(errors.BadValue):
        optim.Adam([parameter(1)], **options)
    optim.Adam([parameter(1)], lr=minicnn.tensor(0.1), foreach=True, capturable=True)


@pytest.mark.parametrize("options", [{"momentum": 0}, {"momentum": 0.9, "dampening": 0.1}, {"momentum": 0.9, "dampening": math.nan}])
def test_nesterov(options):
    with pytest.raises(errors.BadValue, match="nesterov|dampening"):
        optim.SGD([parameter(1)], nesterov=True, **options)


@pytest.mark.parametrize("name", NAMES)
def test_ways_to_compute(name):
    with pytest.raises(errors.BadValue, match="differentiable"):
        getattr(optim, name)([parameter(1)], differentiable=True)
    with pytest.raises(errors.BadValue, match=r"1 element, got shape \(2,\)"):
        getattr(optim, name)([parameter(1)], lr=minicnn.tensor([0.1, 0.1]))
    with pytest.raises(TypeError):
        getattr(optim, name)([parameter(1)], learning_rate=0.1)


def test_fused_with_foreach():
    with pytest.raises(errors.BadValue, match="fused"):
        optim.Adam([parameter(1)], fused=True, foreach=True)


def computed():
    return parameter(2) * 2


@pytest.mark.parametrize("params, error, message", [
    (parameter(1), errors.BadType, "iterable of tensors"), (None, errors.BadType, "NoneType"), (3, errors.BadType, "int"),
    ([], errors.BadValue, "no parameters"), (iter(()), errors.BadValue, "no parameters"), ([1.0], errors.BadType, "float"),
    ([np.ones(3)], errors.BadType, "ndarray"), ([None], errors.BadType, "NoneType"), ([computed()], errors.BadValue, "computed tensor"),
    ([{"lr": 0.1}], errors.BadValue, "'params'"), ([{"params": {parameter(1)}}], errors.BadType, "set"),
    ([{"params": 3}], errors.BadType, "int"), ([("weight", parameter(1)), parameter(1)], errors.BadValue, "names"),
    ([{"params": [parameter(1)]}, {"params": [("w", parameter(1))]}], errors.BadValue, "names"),
    ([{"params": [parameter(1)]}, [parameter(1)]], errors.BadType, "must be a dict"),
])
def test_parameters(params, error, message):
    with pytest.raises(error, match=message):
        optim.SGD(params)


def test_the_same_parameter_twice():
    p = parameter(1)
    with pytest.raises(errors.BadValue, match="more than one group"):
        optim.SGD([{"params": p}, {"params": [p]}])
    one = optim.SGD([p])
    with pytest.raises(errors.BadValue, match="more than one group"):
        one.add_param_group({"params": [parameter(1), p]})
    with pytest.raises(errors.BadType, match="dict"):
        one.add_param_group([parameter(1)])
    assert len(one.param_groups) == 1
    with pytest.warns(UserWarning, match="twice in one group"):
        optim.SGD([p, p])


SCHEDULES = [
    (lr_scheduler.StepLR, {"step_size": 0}, "step_size"), (lr_scheduler.StepLR, {"step_size": 3, "gamma": math.nan}, "gamma"),
    (lr_scheduler.StepLR, {"step_size": "3"}, "step_size"), (lr_scheduler.MultiStepLR, {"milestones": 3}, "list of epochs"),
    (lr_scheduler.MultiStepLR, {"milestones": [3], "gamma": math.inf}, "gamma"), (lr_scheduler.ExponentialLR, {"gamma": math.inf}, "gamma"),
    (lr_scheduler.ConstantLR, {"factor": 1.1}, "factor"), (lr_scheduler.ConstantLR, {"factor": -0.1}, "factor"),
    (lr_scheduler.LinearLR, {"start_factor": 0}, "start_factor"), (lr_scheduler.LinearLR, {"start_factor": 1.1}, "start_factor"),
    (lr_scheduler.LinearLR, {"end_factor": 1.1}, "end_factor"), (lr_scheduler.LinearLR, {"end_factor": -0.1}, "end_factor"),
    (lr_scheduler.LinearLR, {"total_iters": -1}, "total_iters"), (lr_scheduler.PolynomialLR, {"total_iters": -1}, "total_iters"),
    (lr_scheduler.PolynomialLR, {"power": math.nan}, "power"), (lr_scheduler.CosineAnnealingLR, {"T_max": 0}, "T_max"),
    (lr_scheduler.CosineAnnealingLR, {"T_max": 5, "eta_min": math.nan}, "eta_min"),
    (lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 0}, "T_0"), (lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 1.5}, "T_0"),
    (lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 5, "T_mult": 0}, "T_mult"),
    (lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 5, "T_mult": 1.5}, "T_mult"),
    (lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 5, "eta_min": "0"}, "eta_min"),
    (lr_scheduler.LambdaLR, {"lr_lambda": 0.9}, "function"), (lr_scheduler.LambdaLR, {"lr_lambda": [abs]}, "2 parameter groups"),
    (lr_scheduler.MultiplicativeLR, {"lr_lambda": 0.9}, "function"), (lr_scheduler.MultiplicativeLR, {"lr_lambda": [abs] * 3}, "2 parameter"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1}, "total_steps"), (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "epochs": 5}, "steps_per_epoch"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 0}, "total_steps"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 1.5}, "total_steps"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "epochs": 0, "steps_per_epoch": 3}, "epochs"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": -1}, "steps_per_epoch"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 9, "pct_start": 1.1}, "pct_start"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 9, "pct_start": 1}, "pct_start"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 10, "pct_start": 0.1}, "no length"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "square"}, "anneal_strategy"),
    (lr_scheduler.OneCycleLR, {"max_lr": [0.1], "total_steps": 9}, "max_lr has 1 values"),
    (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 9, "div_factor": 0}, "div_factor"),
    (lr_scheduler.OneCycleLR, {"max_lr": math.nan, "total_steps": 9}, "max_lr"),
    (lr_scheduler.CyclicLR, {"base_lr": 0.1, "max_lr": 0.2, "mode": "square"}, "mode"),
    (lr_scheduler.CyclicLR, {"base_lr": 0.1, "max_lr": 0.2, "step_size_up": 0}, "step_size_up"),
    (lr_scheduler.CyclicLR, {"base_lr": [0.1], "max_lr": 0.2}, "base_lr has 1 values"),
    (lr_scheduler.CyclicLR, {"base_lr": 0.1, "max_lr": [0.2] * 3}, "max_lr has 3 values"),
    (lr_scheduler.CyclicLR, {"base_lr": 0.1, "max_lr": 0.2, "scale_fn": abs, "scale_mode": "epochs"}, "scale_mode"),
    (lr_scheduler.CyclicLR, {"base_lr": 0.1, "max_lr": 0.2, "scale_fn": 0.5}, "scale_fn"),
    (lr_scheduler.CyclicLR, {"base_lr": 0.1, "max_lr": 0.2, "max_momentum": [0.9]}, "max_momentum has 1 values"),
    (lr_scheduler.ReduceLROnPlateau, {"factor": 1.0}, "factor"), (lr_scheduler.ReduceLROnPlateau, {"mode": "mean"}, "mode"),
    (lr_scheduler.ReduceLROnPlateau, {"threshold_mode": "both"}, "threshold_mode"),
    (lr_scheduler.ReduceLROnPlateau, {"min_lr": [0.1]}, "min_lr has 1 values"),
    (lr_scheduler.ReduceLROnPlateau, {"patience": -1}, "patience"), (lr_scheduler.ReduceLROnPlateau, {"threshold": math.nan}, "threshold"),
]


@pytest.mark.parametrize("schedule, options, message", SCHEDULES)
def test_schedules(schedule, options, message):
    with pytest.raises((errors.BadValue, errors.BadType), match=message):
        schedule(optimizer(), **options)
    for no_optimizer in (None, parameter(1), object()):
        with pytest.raises(errors.Error):
            schedule(no_optimizer, **options)


@pytest.mark.parametrize("schedule", [lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR])
def test_momentum_to_cycle(schedule):
    options = {"max_lr": 0.1, "total_steps": 9} if schedule is lr_scheduler.OneCycleLR else {"base_lr": 0.1, "max_lr": 0.2}
    for name in ("Adagrad", "Adadelta"):
        with pytest.raises(errors.BadValue, match="cycle_momentum=False"):
            schedule(getattr(optim, name)([parameter(1)]), **options)
        schedule(getattr(optim, name)([parameter(1)]), cycle_momentum=False, **options)


def test_going_on_without_initial_rates():
    with pytest.raises(KeyError, match="group 0 has no 'initial_lr'") as caught:
        lr_scheduler.StepLR(optimizer(), 3, last_epoch=4)
    assert isinstance(caught.value, errors.BadValue) and not str(caught.value).startswith('"')


def test_beyond_the_end():
    one = optimizer()
    scheduler = lr_scheduler.OneCycleLR(one, 0.1, total_steps=3)
    one.step()
    for _ in range(3):
        scheduler.step()
    with pytest.raises(errors.BadValue, match="3 steps; this would be step 4"):
        scheduler.step()
    with pytest.raises(errors.BadValue, match="epoch must be 0 or more"):
        lr_scheduler.CosineAnnealingWarmRestarts(one, 3).step(-1)


def test_groups_added_after_the_schedule_was_made():
    one = optimizer()
    scheduler = lr_scheduler.LambdaLR(one, lambda epoch: 0.5)
    one.add_param_group({"params": [parameter(3)]})
    one.step()
    with pytest.raises(errors.BadValue, match="rates for 2 parameter groups, the optimizer has 3"):
        scheduler.step()
    plateau = lr_scheduler.ReduceLROnPlateau(one, min_lr=[0.0, 0.0, 0.0], patience=0)
    one.add_param_group({"params": [parameter(3)]})
    plateau.step(1.0)
    with pytest.raises(errors.BadValue, match="min_lr"):
        plateau.step(1.0)


def test_combinations():
    one, other = optimizer(), optimizer()
    first, second = lr_scheduler.ExponentialLR(one, 0.9), lr_scheduler.ExponentialLR(other, 0.9)
    plateau = lr_scheduler.ReduceLROnPlateau(one)
    for parts, message in (([], "at least one"), ([first, second], "same optimizer"), ([first, plateau], "ReduceLROnPlateau"),
                           ([first, object()], "number 1 is of type object")):
        with pytest.raises((errors.BadValue, errors.BadType), match=message):
            lr_scheduler.ChainedScheduler(parts)
        with pytest.raises((errors.BadValue, errors.BadType), match=message):
            lr_scheduler.SequentialLR(one, parts, [3] * (len(parts) - 1))
    with pytest.raises(errors.BadValue, match="same optimizer"):
        lr_scheduler.ChainedScheduler([first], optimizer=other)
    for milestones in ([], [1, 2]):
        with pytest.raises(errors.BadValue, match="2 schedules need 1 milestones"):
            lr_scheduler.SequentialLR(one, [first, first], milestones)
    with pytest.raises(errors.BadValue, match="rising"):
        lr_scheduler.SequentialLR(one, [first] * 3, [5, 2])
