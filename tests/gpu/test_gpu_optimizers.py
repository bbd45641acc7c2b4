"""One kernel moves all parameters on a GPU as the rules say, wherever they and their gradients lie."""

import numpy as np
import pytest

import minicnn
from minicnn import arrays, optim
from minicnn.errors import DeviceError
from minicnn.nn import Parameter
from minicnn.tensor import Tensor

cupy = pytest.importorskip("cupy")
if arrays.why_no_gpu():
    pytest.skip(arrays.why_no_gpu(), allow_module_level=True)

pytestmark = pytest.mark.gpu

SHAPES = [(3, 4), (1,), (1024,), (1025,), (5000,), (2, 3, 2, 2)]
CASES = [
    ("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.5, "dampening": 0.2, "maximize": True}), ("Adam", {}), ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("Adam", {"maximize": True, "betas": (0.5, 0.6)}), ("AdamW", {"weight_decay": 0.2}), ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.1}), ("RMSprop", {"centered": True}),
    ("RMSprop", {"momentum": 0.5, "maximize": True}), ("Adagrad", {}), ("NAdam", {})]


def moved(where, name, options, dtype, shapes, steps=4):
    """The parameters after some steps; gradients come as new arrays each time, one of them not contiguous, one late."""
    rng = np.random.default_rng(0)
    params = [Parameter(Tensor(rng.standard_normal(shape).astype(dtype))).to(where).detach().requires_grad_() for shape in shapes]
    optimizer = getattr(optim, name)(params, lr=0.05, **options)
    for step in range(steps):
        for number, p in enumerate(params):
            g = Tensor(rng.standard_normal(tuple(p.shape)).astype(dtype)).to(where)
            g = Tensor(g.array[..., ::-1][..., ::-1].T.copy().T) if number == 0 else g
            p.grad = None if number == 1 and step == 0 else g
        optimizer.step()
    return [arrays.to_numpy(p.array) for p in params]


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name, options", CASES, ids=str)
def test_as_on_the_cpu(name, options, dtype):
    for one, other in zip(moved("cuda", name, options, dtype, SHAPES), moved("cpu", name, options, "d", SHAPES)):
        np.testing.assert_allclose(one, other, rtol=0, atol=(3e-6 if dtype == "f" else 1e-12) * np.abs(other).max())


def test_more_parameters_than_a_launch_takes():
    shapes = [(n % 7 + 1, 3) for n in range(150)]
    for one, other in zip(moved("cuda", "Adam", {}, "d", shapes), moved("cpu", "Adam", {}, "d", shapes)):
        np.testing.assert_allclose(one, other, rtol=1e-11)


def test_steps_go_through_the_kernel(monkeypatch):
    """The rules, a dozen launches for each parameter, are left alone."""
    monkeypatch.setattr(optim.Adam, "update", None)
    monkeypatch.setattr(optim.SGD, "update", None)
    monkeypatch.setattr(optim.RMSprop, "update", None)
    for name in ("Adam", "AdamW", "SGD", "RMSprop"):
        moved("cuda", name, {}, "f", SHAPES[2:])


@pytest.mark.parametrize("name", [name for name in optim.__all__ if name != "Optimizer" and isinstance(getattr(optim, name), type)])
def test_a_model_that_moves_after_the_first_step_is_refused_until_the_state_follows(name):
    p = minicnn.ones(3).requires_grad_()
    optimizer = getattr(optim, name)([p], lr=0.1, **({"momentum": 0.9} if name == "SGD" else {}))
    p.grad = minicnn.ones(3)
    optimizer.step()
    p.data = p.data.cuda()
    p.grad = minicnn.ones(3).cuda()
    with pytest.raises(DeviceError, match="is on cpu, but the parameter is on cuda:0; move the model before"):
        optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step()
    assert p.is_cuda and p.detach().cpu().tolist() != [1, 1, 1]


def test_the_state_goes_on_after_saving():
    p = minicnn.ones(3, device="cuda").requires_grad_()
    optimizer = optim.Adam([p])
    p.grad = minicnn.ones(3, device="cuda")
    optimizer.step()
    other = optim.Adam([p])
    other.load_state_dict(optimizer.state_dict())
    other.step()
    assert other.state[p]["step"].item() == 2 and other.state[p]["exp_avg"].is_cuda
