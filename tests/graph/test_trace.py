"""Tracing: which graph a model becomes, what is refused and how, and that the model is left as it was."""

import numpy as np
import pytest
from helpers.graph_cases import IMAGE, Calls

import minicnn
from minicnn import autograd, models, nn
from minicnn.errors import BadType, BadValue, GraphError, UnsupportedOperator
from minicnn.graph.module import GraphModule
from minicnn.graph.trace import trace
from minicnn.nn import functional as F


def ops(graph):
    return [node.op_type for node in graph.nodes]


def traced(function, *inputs, **options):
    return trace(Calls(function), *(inputs or (IMAGE,)), **options)


# Names and shapes --------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.bn(self.conv(self.relu(x))) + x)


def test_nodes_have_the_modules_names():
    graph = trace(nn.Sequential(Block(), nn.Flatten(), nn.Linear(288, 3)), IMAGE)
    assert [(node.name, node.op_type) for node in graph.nodes] == [
        ("0.relu", "Relu"), ("0.conv", "Conv"), ("0.bn", "BatchNormalization"), ("0.add", "Add"), ("0.relu_1", "Relu"), ("1", "Flatten"), ("2", "Gemm")]
    assert [node.outputs for node in graph.nodes] == [["0.relu"], ["0.conv"], ["0.bn"], ["0.add"], ["0.relu_1"], ["1"], ["output"]]
    assert graph.nodes[1].inputs == ["0.relu", "0.conv.weight", "0.conv.bias"]
    assert graph.nodes[3].inputs == ["0.bn", "input"]


def test_initializers_are_the_state_dict():
    model = models.create("resnet20")
    graph = trace(model, minicnn.zeros(1, 3, 32, 32))
    assert graph.parameters == dict(model.named_parameters()).keys()
    assert graph.parameters | graph.buffers == model.state_dict().keys()
    assert all(np.array_equal(graph.initializers[name], tensor.array) for name, tensor in model.state_dict().items())


def test_inputs_and_outputs():
    graph = traced(lambda a, b: {"sum": a + b, "both": (a, b)}, IMAGE, IMAGE[:, :1])
    assert [(value.name, value.shape) for value in graph.inputs] == [("inputs_0", ("N", 4, 8, 9)), ("inputs_1", ("N", 1, 8, 9))]
    assert [(value.name, value.shape) for value in graph.outputs] == [
        ("sum", ("N", 4, 8, 9)), ("both_0", ("N", 4, 8, 9)), ("both_1", ("N", 1, 8, 9))]
    graph = traced(lambda x: x * 2, input_names=["image"], output_names=["twice"], name="Twice")
    assert (graph.inputs[0].name, graph.outputs[0].name, graph.name) == ("image", "twice", "Twice")


@pytest.mark.parametrize("options, error, reason", [
    (dict(input_names=["a", "b"]), BadValue, "expected 1 input_names"), (dict(output_names=[]), BadValue, "expected 1 output_names"),
    (dict(output_names=["input"]), BadValue, "'input' is the name of another"), (dict(input_names="x"), BadType, "list of strings"),
    (dict(output_names=[1]), BadType, "list of strings")])
def test_names_that_do_not_fit(options, error, reason):
    with pytest.raises(error, match=reason):
        traced(lambda x: x + 1, **options)


def test_modules_parameters_and_results_of_one_name():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.output, self.input = nn.ReLU(), nn.Parameter(minicnn.ones(4, 1, 1))

        def forward(self, x):
            return {"input": self.output(x) * self.input, "a": {"a": x + 1}, "b": {"a": x + 2}}

    model = Named()
    graph = trace(model, IMAGE)
    assert [v.name for v in graph.inputs] == ["input_1"] and [v.name for v in graph.outputs] == ["input_2", "a", "a_1"]
    assert all(np.array_equal(a.array, b.array) for a, b in zip(
        GraphModule(graph)(minicnn.tensor(IMAGE)), [*model(minicnn.tensor(IMAGE)).values()][:1] + [minicnn.tensor(IMAGE + 1), minicnn.tensor(IMAGE + 2)]))


def test_a_result_twice_and_an_input_as_a_result():
    def forward(x):
        y = x + 1
        return y, y, x

    graph = traced(forward)
    assert ops(graph) == ["Add", "Identity", "Identity"]
    assert [a.array.tolist() for a in GraphModule(graph)(minicnn.tensor(IMAGE))] == [(IMAGE + 1).tolist()] * 2 + [IMAGE.tolist()]


def test_the_batch_is_free():
    graph = traced(lambda x: x.view(x.shape[0], 2, -1).reshape(-1, 144).unsqueeze(0))
    shapes = [graph.initializers[node.inputs[1]].tolist() for node in graph.nodes]
    assert shapes == [[0, 2, 144], [-1, 144], [1, -1, 144]]
    assert graph.outputs[0].shape == (1, "output.1", 144)


def test_a_constant_of_the_batch_s_length_is_repeated():
    graph = traced(lambda x: minicnn.cat([x, minicnn.full((len(x), 1, 8, 9), 2.0)], 1))
    assert ops(graph) == ["Shape", "Concat", "Expand", "Concat"]
    y = GraphModule(graph)(minicnn.tensor(np.repeat(IMAGE, 4, 0)))
    assert y.shape == (8, 5, 8, 9) and (y.array[:, 4] == 2).all()


def test_a_fixed_batch():
    graph = traced(lambda x: x.reshape(-1) / len(x), dynamic_batch=False)
    assert graph.inputs[0].shape == (2, 4, 8, 9) and graph.outputs[0].shape == (576,)


# Values ------------------------------------------------------------------------------------------------------------------


def test_what_was_changed_in_place_is_another_value():
    def forward(x):
        y = x * 2
        z = y + 0
        y.add_(1)
        y[:, 0] = z[:, 1]
        return y, z

    graph = traced(forward)
    with minicnn.no_grad():
        wanted = forward(minicnn.tensor(IMAGE))
    found = GraphModule(graph)(minicnn.tensor(IMAGE))
    assert all(np.array_equal(a.array, b.array) for a, b in zip(found, wanted))


def test_the_input_may_be_changed_in_place():
    assert ops(traced(lambda x: x.relu_().mul_(2))) == ["Relu", "Mul"]


def test_a_view_that_was_left_behind_is_refused():
    def forward(x):
        y = x * 2
        view = y[:, 0]
        y.add_(1)
        return view * 2

    with pytest.raises(GraphError, match="shared memory"):
        traced(forward)


def test_what_ran_without_gradient_has_none():
    def forward(x):
        with minicnn.no_grad():
            scale = x.abs().amax()
        return x / scale

    graph = traced(forward)
    assert "detach" in ops(graph)
    found = []
    for function in (forward, GraphModule(graph)):
        x = minicnn.tensor(IMAGE, requires_grad=True)
        function(x).sum().backward()
        found.append(x.grad.array)
    assert np.array_equal(*found)


class Sign(autograd.Function):
    """The straight-through estimator: its gradient is not that of what it computes."""

    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, dy):
        return dy


def test_a_function_of_one_s_own_is_computed_but_has_no_gradient():
    graph = traced(lambda x: Sign.apply(x) * 2)
    assert ops(graph) == ["Sign", "detach", "custom_gradient", "Mul"]
    x = minicnn.tensor(IMAGE, requires_grad=True)
    y = GraphModule(graph)(x)
    assert np.array_equal(y.array, np.sign(IMAGE) * 2)
    with pytest.raises(GraphError, match="the gradient of Sign, a Function of the user's own"):
        y.sum().backward()


def test_what_does_not_depend_on_the_input_is_computed():
    graph = traced(lambda x: x * (minicnn.arange(4.0) * 2 + 1).reshape(4, 1, 1))
    assert ops(graph) == ["Mul"]
    assert graph.initializers["mul.constant"].ravel().tolist() == [1, 3, 5, 7]


def test_a_tensor_that_a_module_holds_gives_a_constant_its_name():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = minicnn.tensor(3.0)

        def forward(self, x):
            return x * self.factor

    assert "0.factor" in trace(nn.Sequential(Scaled()), IMAGE).initializers


def test_a_layer_that_runs_twice_has_its_weights_once():
    conv = nn.Conv2d(4, 4, 1)
    graph = trace(nn.Sequential(conv, nn.ReLU(), conv), IMAGE)
    assert [(node.name, node.inputs[1:]) for node in graph.nodes if node.op_type == "Conv"] == [
        ("0", ["0.weight", "0.bias"]), ("0_1", ["0.weight", "0.bias"])]


def test_dropout_stays_where_it_follows_the_mode():
    graph = trace(nn.Sequential(nn.Dropout(0.3), nn.Dropout2d(0.2)), IMAGE)
    assert ops(graph) == ["Dropout", "dropout2d"]
    assert graph.initializers["0.ratio"] == 0.3 and graph.nodes[1].attributes == {"p": 0.2}
    assert traced(lambda x: F.dropout(x, 0.5, True)).nodes[0].attributes == {"p": 0.5, "training": True}


def test_hooks_take_part():
    model = nn.Sequential(nn.ReLU())
    model[0].register_forward_hook(lambda module, args, output: output + 1)
    assert ops(trace(model, IMAGE)) == ["Relu", "Add"]


# What is no graph --------------------------------------------------------------------------------------------------------


def decides_by_the_sign(x):
    return x if x.sum() > 0 else -x


def reads_out(x):
    return x * x.max().item()


def reads_the_array(x):
    return x * float(x.array.max())


def loops_over_images(x):
    return minicnn.stack([image * 2 for image in x])


def decides_by_the_batch(x):
    return x * 2 if len(x) == 2 else x + 1


def divides_by_the_batch(x):
    return x.sum() / len(x)


def draws_noise(x):
    return x + minicnn.randn(4, 1, 1)


@pytest.mark.parametrize("forward, reason", [
    (decides_by_the_sign, r"item\(\) takes a number out"), (reads_out, r"item\(\)"), (lambda x: x * 2 if x.tolist() else x, r"tolist\(\)"),
    (lambda x: x + float(x.detach().numpy().max()), r"numpy\(\)"), (reads_the_array, "'mul.constant', depends on the batch or on the numbers"),
    (loops_over_images, "other things for other inputs, first at"), (decides_by_the_batch, r"first at 'mul' \(Mul\)"),
    (divides_by_the_batch, "constant of 'div'"), (draws_noise, "constant of 'add'"), (lambda x: x[: len(x) // 2], "constant of 'getitem'"),
    (lambda x: F.interpolate(x, size=(len(x), 4)), "size of 'interpolate'"),
    (lambda x: x.reshape(1, -1).expand(2, -1), "a length that is 576 for a batch of 2"), (lambda x: "text", "outputs are tensors"),
])
def test_what_is_no_graph_is_refused_with_the_reason(forward, reason):
    with pytest.raises(GraphError, match=reason):
        traced(forward)


def test_numbers_can_be_read_again_afterwards():
    kept = []
    traced(lambda x: kept.append(x * 2) or x + 1)
    assert kept[0].sum().item() == kept[0].array.sum()


def test_operations_of_gradients_are_listed_all_at_once():
    def forward(x):
        y = x[:, 0].abs().sum()
        return autograd.grad((x.requires_grad_()[:, :, 0] ** 2).sum() + y, x, create_graph=True)[0]

    with pytest.raises(UnsupportedOperator) as caught:
        traced(forward)
    assert "PutItem" in caught.value.operators


@pytest.mark.parametrize("model, inputs, error", [
    (lambda x: x, (IMAGE,), BadType), (nn.ReLU(), (), BadType), (nn.ReLU(), (np.float32(1),), BadType), (nn.ReLU(), (IMAGE[:0],), BadValue)])
def test_wrong_arguments(model, inputs, error):
    with pytest.raises(error):
        trace(model, *inputs)


# The model ---------------------------------------------------------------------------------------------------------------


class Counting(nn.Module):
    """Changes buffers whenever it runs, in every way there is."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", minicnn.zeros(2))
        self.register_buffer("last", minicnn.zeros(2))
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x):
        self.count.array[1] += 1
        self.count += 1
        self.last = self.count * 2
        return self.bn(x) * self.count[0] + minicnn.zeros(1)


def state(model):
    return {name: (id(t), id(t.array), t.array.tolist(), t._version) for name, t in [*model.named_parameters(), *model.named_buffers()]}


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(Counting(), nn.Dropout(0.5))
    model[1].eval()
    model[0].register_forward_hook(lambda *_: None)
    hooks = [module._hooks and {kind: dict(found) for kind, found in module._hooks.items()} for module in model.modules()]
    modes, before, random = [module.training for module in model.modules()], state(model), minicnn.get_rng_state()
    trace(model, IMAGE)
    assert [module.training for module in model.modules()] == modes and state(model) == before
    assert [module._hooks and {kind: dict(found) for kind, found in module._hooks.items()} for module in model.modules()] == hooks
    assert minicnn.get_rng_state() == random
    assert type(model[0].count) is minicnn.Tensor


def test_also_after_an_error():
    model = nn.Sequential(nn.BatchNorm2d(4), Calls(reads_out))
    before = state(model)
    with pytest.raises(GraphError):
        trace(model, IMAGE)
    assert state(model) == before and model.training and model[0]._hooks is None
    assert autograd.mode.mode.watch is None
    minicnn.tensor([1.0]).relu().item()


def test_a_parameter_changed_in_forward_is_refused():
    class Clipped(nn.Linear):
        def forward(self, x):
            with minicnn.no_grad():
                self.weight.clamp_(-1, 1)
            return super().forward(x)

    with pytest.raises(GraphError, match="in place"):
        trace(Clipped(9, 3), IMAGE)


def test_examples_are_not_changed():
    x = IMAGE.copy()
    traced(lambda t: t.mul_(2), x)
    assert np.array_equal(x, IMAGE)


@pytest.mark.parametrize("name", ["lenet5", "small_cnn", "resnet20"])
def test_architectures_have_layers_only(name):
    module = GraphModule(trace(models.create(name), minicnn.zeros(1, *models.registry.usual_input(name))))
    assert not [step.node.op_type for step in module._steps if step.path is None and step.node.op_type not in ("Add", "Pad", "Slice")] and module.state_dict().keys() == models.create(name).state_dict().keys()
