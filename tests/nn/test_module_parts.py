"""Registration: what becomes a part of a module, under which name, in which order, and what is refused."""

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")
import minicnn  # noqa: E402
from minicnn import nn  # noqa: E402
from side_by_side import assert_both_refuse, assert_same  # noqa: E402


def net(T):
    """A module with a shared child, a shared parameter, a None parameter, a None child and both kinds of buffers."""
    class Net(T.nn.Module):
        def __init__(self):
            super(Net, self).__init__()  # noqa: UP008
            self.body = T.nn.Sequential(T.nn.Linear(2, 3), T.nn.BatchNorm1d(3), T.nn.ReLU())
            self.scale = T.nn.Parameter(T.ones(3))
            self.head = T.nn.Linear(3, 2)
            self.again = self.head
            self.nothing = None
            self.register_parameter("absent", None)
            self.add_module("empty", None)
            self.register_buffer("steps", T.zeros(2))
            self.register_buffer("scratch", T.zeros(1), persistent=False)
            self.register_buffer("hole", None)
            self.tied = self.scale

        def forward(self, x):
            return self.head(self.body(x) * self.scale)

    return Net()


def scenario(function):
    SCENARIOS.append(function)
    return function


SCENARIOS = []


@scenario
def orders_of_names(T):
    m = net(T)
    return [[name for name, _ in walk] for walk in (
        m.named_parameters(), m.named_parameters(prefix="net"), m.named_parameters(recurse=False),
        m.named_parameters(remove_duplicate=False), m.named_buffers(), m.named_buffers(recurse=False),
        m.named_modules(), m.named_modules(prefix="net"), m.named_modules(remove_duplicate=False), m.named_children())]


@scenario
def counts(T):
    m = net(T)
    return [len(list(walk)) for walk in (m.parameters(), m.buffers(), m.modules(), m.children())]


@scenario
def registers(T):
    m = net(T)
    return [list(m._parameters), list(m._buffers), list(m._modules), m.training, m.nothing, m.absent, m.empty, m.hole]


@scenario
def text(T):
    return net(T)


@scenario
def text_of_several_lines(T):
    class Told(T.nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    m = Told()
    outer = T.nn.Sequential(m)
    return [m, outer, outer.append(T.nn.ReLU()).add_module("x", None), outer]


@scenario
def dir_lists_parts(T):
    names = dir(net(T))
    return [name in names for name in ("body", "scale", "steps", "absent", "forward", "training")]


@scenario
def parameter_replaces_plain_attribute(T):
    m = T.nn.Module()
    m.x = 3
    m.x = T.nn.Parameter(T.ones(1))
    return ["x" in m._parameters, "x" in m.__dict__]


@scenario
def parameter_replaces_buffer_and_module(T):
    m = T.nn.Module()
    m.register_buffer("b", T.ones(1))
    m.m = T.nn.ReLU()
    m.b, m.m = T.nn.Parameter(T.ones(1)), T.nn.Parameter(T.ones(2))
    return [list(m._parameters), list(m._buffers), list(m._modules)]


@scenario
def module_replaces_plain_attribute_and_buffer(T):
    m = T.nn.Module()
    m.register_buffer("b", T.ones(1))
    m.x = 3
    m.x, m.b = T.nn.ReLU(), T.nn.Tanh()
    return [list(m._buffers), list(m._modules), "x" in m.__dict__]


@scenario
def tensor_is_no_parameter(T):
    m = T.nn.Module()
    m.x = T.ones(2)
    return [list(m._parameters), list(m._buffers), m.x]


@scenario
def buffer_takes_another_tensor(T):
    m = net(T)
    m.steps = T.ones(5)
    return [m.steps, list(m.state_dict())]


@scenario
def buffer_object_registers(T):
    m = T.nn.Module()
    m.b, m.c = T.nn.Buffer(T.ones(2)), T.nn.Buffer(T.ones(1), persistent=False)
    return [list(m._buffers), list(m.state_dict())]


@scenario
def parameter_to_none_and_back(T):
    m = T.nn.Linear(2, 3)
    m.bias = None
    names = list(m.state_dict()), [n for n, _ in m.named_parameters()], repr(m)
    m.bias = T.nn.Parameter(T.ones(3))
    return [*names, list(m.state_dict())]


@scenario
def deletion(T):
    m = net(T)
    del m.body, m.scale, m.steps, m.scratch
    return [list(m.state_dict()), hasattr(m, "body"), m._non_persistent_buffers_set]


@scenario
def modules_put_into_the_register_directly(T):
    m = net(T)
    m._modules["head"] = T.nn.Identity()
    return [m.head, list(m.state_dict())]


@scenario
def lookups_by_path(T):
    m = net(T)
    return [m.get_submodule("body.1"), m.get_submodule(""), m.get_parameter("body.0.weight").shape == (3, 2),
            m.get_buffer("body.1.running_mean")]


@scenario
def apply_order(T):
    seen = []
    m = net(T)
    returned = m.apply(lambda module: seen.append(type(module).__name__))
    return [seen, returned is m]


@scenario
def overridden_train_is_respected(T):
    class Frozen(T.nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    m = T.nn.Sequential(Frozen(2), T.nn.Dropout())
    m.train()
    return [m.training, m[0].training, m[1].training, m.eval() is m, m[1].training]


@scenario
def freezing(T):
    m = net(T).requires_grad_(False)
    before = [p.requires_grad for p in m.parameters()]
    m.head.requires_grad_()
    return [before, [p.requires_grad for p in m.parameters()]]


@scenario
def zero_grad(T):
    m = T.nn.Linear(2, 1)
    m(T.ones(1, 2)).sum().backward()
    m.zero_grad(set_to_none=False)
    zeros = m.weight.grad
    m.zero_grad()
    return [zeros, m.weight.grad is None]


@scenario
def subclass_that_sets_attributes_first(T):
    class Net(T.nn.Module):
        def __init__(self):
            self.width = 3
            super().__init__()

    return Net().width


REFUSED = {
    "module before init": "class N(T.nn.Module):\n  def __init__(self): self.a = T.nn.ReLU()\nN()",
    "parameter before init": "class N(T.nn.Module):\n  def __init__(self): self.a = T.nn.Parameter(T.ones(1))\nN()",
    "buffer before init": "class N(T.nn.Module):\n  def __init__(self): self.register_buffer('a', T.ones(1))\nN()",
    "unknown attribute": "T.nn.Linear(1, 1).weigth",
    "unknown attribute before init": "class N(T.nn.Module):\n  def __init__(self): self.a\nN()",
    "delete unknown": "del T.nn.Linear(1, 1).weigth",
    "arguments of Module": "T.nn.Module(3)",
    "tensor as parameter": "T.nn.Linear(2, 3).weight = T.ones(3, 2)",
    "number as parameter": "T.nn.Linear(2, 3).weight = 3",
    "module as parameter": "T.nn.Linear(2, 3).weight = T.nn.ReLU()",
    "number as module": "m = T.nn.Module(); m.r = T.nn.ReLU(); m.r = 3",
    "number as buffer": "T.nn.BatchNorm1d(2).running_mean = 3",
    "buffer name with dot": "T.nn.Module().register_buffer('a.b', T.ones(1))",
    "empty buffer name": "T.nn.Module().register_buffer('', T.ones(1))",
    "buffer name no string": "T.nn.Module().register_buffer(3, T.ones(1))",
    "buffer no tensor": "T.nn.Module().register_buffer('x', 3)",
    "buffer hides a method": "T.nn.Module().register_buffer('forward', T.ones(1))",
    "parameter name with dot": "T.nn.Module().register_parameter('a.b', None)",
    "empty parameter name": "T.nn.Module().register_parameter('', None)",
    "parameter name no string": "T.nn.Module().register_parameter(3, None)",
    "tensor registered as parameter": "T.nn.Module().register_parameter('x', T.ones(1))",
    "computed tensor as parameter": "T.nn.Module().register_parameter('x', T.nn.Parameter(T.ones(1)) * 2)",
    "parameter hides a method": "T.nn.Module().register_parameter('forward', None)",
    "module name with dot": "T.nn.Module().add_module('a.b', T.nn.ReLU())",
    "empty module name": "T.nn.Module().add_module('', T.nn.ReLU())",
    "module name no string": "T.nn.Module().add_module(3, T.nn.ReLU())",
    "no module": "T.nn.Module().add_module('x', 3)",
    "class for module": "T.nn.Module().add_module('x', T.nn.ReLU)",
    "module hides a method": "T.nn.Module().add_module('forward', T.nn.ReLU())",
    "no such path": "T.nn.Module().get_submodule('a.b')",
    "path to a parameter": "T.nn.Linear(1, 1).get_submodule('weight')",
    "no such parameter": "T.nn.Linear(1, 1).get_parameter('w')",
    "buffer for a parameter": "T.nn.BatchNorm1d(1).get_parameter('running_mean')",
    "parameter for a buffer": "T.nn.Linear(1, 1).get_buffer('weight')",
    "no forward": "T.nn.Module()(3)",
    "train of no bool": "T.nn.Module().train(3)",
    "to integer": "T.nn.Linear(1, 1).to(T.int64)",
    "to two numbers": "T.nn.Linear(1, 1).to(3, 4)",
    "to nowhere": "T.nn.Linear(1, 1).to('nowhere')",
    "backward after the tensor of a parameter changed": "x = T.ones(2); p = T.nn.Parameter(x); y = (p * p).sum(); x.add_(1); y.backward()",
    "parameter of a number": "T.nn.Parameter(T.tensor([1]))",
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda f: f.__name__)
def test_parts_are_those_of_pytorch(scenario):
    assert_same(scenario)


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED)
def test_refused_as_pytorch_refuses(program):
    def run(T):
        exec(program, {"T": T})

    assert_both_refuse(run)


def test_parameter_shares_memory_with_its_tensor():
    data = minicnn.ones(3)
    parameter = nn.Parameter(data)
    data.array[0] = 5
    assert parameter.is_leaf and parameter.requires_grad and parameter.tolist() == [5, 1, 1]
    assert isinstance(parameter, minicnn.Tensor) and type(parameter * 2) is minicnn.Tensor


def test_parameter_repr():
    assert repr(nn.Parameter(minicnn.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_moving_keeps_the_parameters_that_the_optimizer_holds():
    m = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    held = list(m.parameters())
    m(minicnn.ones(4, 2)).sum().backward()
    assert m.double() is m
    assert all(a is b for a, b in zip(held, m.parameters()))
    assert {str(p.dtype) for p in held} == {"float64"} and str(held[0].grad.dtype) == "float64"
    assert str(m[1].running_mean.dtype) == "float64" and str(m[1].num_batches_tracked.dtype) == "int64"
    assert str(m.to(minicnn.ones(1)).float()[0].weight.dtype) == "float32"
    assert str(m.to(device="cpu", dtype=minicnn.float64)[0].weight.dtype) == "float64"


@pytest.mark.parametrize("way", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_independent_and_keep_what_is_shared(way):
    m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    m.add_module("2", m[0])
    m[0].bias.requires_grad_(False)
    twin = way(m)
    assert repr(twin) == repr(m) and list(twin.state_dict()) == list(m.state_dict())
    assert twin[2] is twin[0] and twin[0].weight is not m[0].weight
    assert type(twin[0].weight) is nn.Parameter and not twin[0].bias.requires_grad and twin[0].weight.requires_grad
    m[0].weight.data.fill_(0)
    assert abs(twin[0].weight).sum() > 0


def test_deepcopy_keeps_tied_parameters_tied():
    m = nn.Module()
    m.a = nn.Linear(2, 2)
    m.b = nn.Linear(2, 2)
    m.b.weight = m.a.weight
    twin = copy.deepcopy(m)
    assert twin.b.weight is twin.a.weight and len(list(twin.parameters())) == 3
