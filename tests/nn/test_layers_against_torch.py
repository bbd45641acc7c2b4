"""Every layer in float64 against PyTorch's with the same weights: outputs, running statistics, and the gradients of
everything, for a random upstream gradient."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import minicnn  # noqa: E402
from side_by_side import LIBRARIES, assert_same, compare, plain  # noqa: E402

IMAGES = "(2, 4, 7, 6) (4, 7, 6) (0, 4, 7, 6) (1, 4, 5, 9)"
ANY = "(3, 4) (5,) () (2, 3, 4, 5) (0, 3)"

# The layer, and the shapes of its inputs: one run for each.
LAYERS = {
    "Identity()": ANY,
    "Linear(4, 3)": "(2, 4) (4,) (2, 3, 4) (0, 4) (2, 0, 4) (1, 2, 3, 4)",
    "Linear(4, 3, bias=False)": "(2, 4) (4,)",
    "Linear(4, 0)": "(2, 4)",
    "Linear(0, 3)": "(2, 0)",
    "Flatten()": "(2, 3, 4, 5) (2, 3) (0, 3, 4)",
    "Flatten(0)": "(2, 3) (3,) ()",
    "Flatten(-3, -2)": "(2, 3, 4, 5)",
    "Unflatten(1, (2, 3))": "(4, 6) (4, 6, 2)",
    "Unflatten(-1, (2, -1))": "(4, 6)",
    "Unflatten(0, [3, 2])": "(6,)",
    "Conv1d(4, 6, 3)": "(2, 4, 8) (4, 8) (0, 4, 8) (1, 4, 3)",
    "Conv1d(4, 6, 3, 2, 1, 2, 2, False)": "(2, 4, 9)",
    "Conv1d(4, 6, 4, padding='same', dilation=3)": "(2, 4, 9)",
    "Conv1d(4, 4, 3, padding=2, padding_mode='circular', groups=4)": "(2, 4, 9) (4, 9)",
    "Conv1d(4, 4, 2, padding='same', padding_mode='replicate')": "(2, 4, 9)",
    "Conv2d(4, 6, 3)": IMAGES + " (2, 4, 3, 3)",
    "Conv2d(4, 6, 1)": IMAGES,
    "Conv2d(4, 6, 1, stride=2)": IMAGES,
    "Conv2d(4, 6, (3, 2), stride=(2, 1))": IMAGES,
    "Conv2d(4, 6, 3, padding=1)": IMAGES + " (1, 4, 1, 1)",
    "Conv2d(4, 6, 3, padding=(2, 0))": IMAGES,
    "Conv2d(4, 6, 3, padding=5)": IMAGES,
    "Conv2d(4, 6, 3, 2, 1, 2, 2, False)": IMAGES,
    "Conv2d(4, 4, 3, padding=1, groups=4)": IMAGES,
    "Conv2d(4, 8, 3, padding=1, groups=4, stride=2)": IMAGES,
    "Conv2d(4, 8, (1, 5), padding='same', groups=2)": IMAGES,
    "Conv2d(4, 6, (4, 2), padding='same', dilation=(2, 3))": IMAGES,
    "Conv2d(4, 6, 3, padding='valid')": IMAGES,
    "Conv2d(4, 6, 3, padding=2, padding_mode='reflect')": IMAGES,
    "Conv2d(4, 6, 3, padding=(1, 2), padding_mode='replicate', stride=2)": IMAGES,
    "Conv2d(4, 6, 3, padding=(2, 1), padding_mode='circular', dilation=2)": IMAGES,
    "Conv2d(4, 6, (2, 3), padding='same', padding_mode='reflect')": IMAGES,
    "Conv2d(4, 6, 3, padding='valid', padding_mode='circular')": IMAGES,
    "ConvTranspose2d(4, 6, 3)": IMAGES + " (1, 4, 1, 1)",
    "ConvTranspose2d(4, 6, (3, 2), stride=2, padding=1, output_padding=1)": IMAGES,
    "ConvTranspose2d(4, 6, 2, 2, bias=False)": IMAGES,
    "ConvTranspose2d(4, 6, 3, (2, 3), (1, 0), (0, 2), 2, True, 2)": IMAGES,
    "ConvTranspose2d(4, 4, 4, 2, 1, groups=4)": IMAGES,
    "ConvTranspose2d(4, 6, 1, stride=3)": IMAGES,
    "MaxPool2d(2)": IMAGES,
    "MaxPool2d(3, 2, 1)": IMAGES,
    "MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2))": IMAGES,
    "MaxPool2d(3, 2, ceil_mode=True)": IMAGES,
    "MaxPool2d(2, 3, 1, ceil_mode=True)": IMAGES,
    "MaxPool2d(1, 2)": IMAGES,
    "MaxPool2d(2, return_indices=True)": IMAGES,
    "MaxPool2d(3, 1, 1, return_indices=True)": IMAGES,
    "LPPool2d(2, 3, ceil_mode=True)": IMAGES,
    "LPPool2d(4.0, (2, 3), 1)": IMAGES,
    "AvgPool2d(2)": IMAGES,
    "AvgPool2d(3, 2, 1)": IMAGES,
    "AvgPool2d(3, 2, 1, count_include_pad=False)": IMAGES,
    "AvgPool2d(3, 2, 1, ceil_mode=True)": IMAGES,
    "AvgPool2d((2, 3), (1, 2), (1, 1), True, False)": IMAGES,
    "AvgPool2d(2, divisor_override=3)": IMAGES,
    "AvgPool2d(3, 2, 1, True, True, -2)": IMAGES,
    "AdaptiveAvgPool2d(1)": IMAGES,
    "AdaptiveAvgPool2d((3, None))": IMAGES,
    "AdaptiveAvgPool2d((5, 4))": IMAGES,
    "AdaptiveAvgPool2d(9)": IMAGES,
    "AdaptiveMaxPool2d(1)": IMAGES,
    "AdaptiveMaxPool2d((None, 3))": IMAGES,
    "AdaptiveMaxPool2d((4, 5), return_indices=True)": IMAGES,
    "BatchNorm1d(4)": "(3, 4) (2, 4, 5) (1, 4, 5)",
    "BatchNorm1d(4, 1e-3, None, False)": "(3, 4) (2, 4, 5)",
    "BatchNorm2d(4)": "(2, 4, 7, 6) (1, 4, 5, 9) (5, 4, 1, 1)",
    "BatchNorm2d(4, momentum=None)": "(2, 4, 7, 6)",
    "BatchNorm2d(4, eps=0.5, momentum=0.7, affine=False)": "(2, 4, 7, 6)",
    "BatchNorm2d(4, track_running_stats=False)": "(2, 4, 7, 6)",
    "BatchNorm2d(4, bias=False)": "(2, 4, 7, 6)",
    "InstanceNorm2d(4)": "(2, 4, 7, 6) (4, 7, 6) (1, 4, 5, 9)",
    "InstanceNorm2d(4, affine=True)": "(2, 4, 7, 6) (4, 7, 6)",
    "InstanceNorm2d(4, affine=True, track_running_stats=True)": "(2, 4, 7, 6) (4, 7, 6)",
    "InstanceNorm2d(4, track_running_stats=True, momentum=None)": "(2, 4, 7, 6)",
    "GroupNorm(2, 4)": "(2, 4, 7, 6) (3, 4) (2, 4, 5) (0, 4, 2, 2) (2, 4, 2, 3, 2)",
    "GroupNorm(1, 4, 0.1)": "(2, 4, 7, 6)",
    "GroupNorm(4, 4, affine=False)": "(2, 4, 7, 6)",
    "GroupNorm(2, 4, bias=False)": "(2, 4, 7, 6)",
    "LayerNorm(4)": "(3, 4) (4,) (2, 3, 4) (0, 4)",
    "LayerNorm((3, 4), 0.1)": "(3, 4) (2, 3, 4)",
    "LayerNorm([3, 4], bias=False)": "(2, 3, 4)",
    "LayerNorm(4, elementwise_affine=False)": "(2, 3, 4)",
    "LocalResponseNorm(2)": "(2, 5, 4, 4) (2, 5, 4) (0, 5, 4)",
    "LocalResponseNorm(3, 0.5, 0.6, 1.5)": "(2, 5, 4, 4)",
    "LocalResponseNorm(7, 1.0)": "(2, 5, 3, 3)",
    "ReLU()": ANY,
    "ReLU6()": ANY,
    "LeakyReLU(0.3)": ANY,
    "PReLU()": ANY.replace("() ", ""),
    "PReLU(4)": "(2, 4) (2, 4, 3) (0, 4)",
    "ELU(0.7)": ANY,
    "SELU()": ANY,
    "GELU()": ANY,
    "GELU('tanh')": ANY,
    "SiLU()": ANY,
    "Mish()": ANY,
    "Hardswish()": ANY,
    "Hardsigmoid()": ANY,
    "Hardtanh(-0.5, 0.8)": ANY,
    "Sigmoid()": ANY,
    "Tanh()": ANY,
    "Softplus()": ANY,
    "Softplus(2, 1)": ANY,
    "Softmax(0)": ANY,
    "Softmax(-1)": ANY,
    "Softmax()": "(3,) (2, 3) (2, 3, 4) (1, 2, 3, 4)",
    "LogSoftmax(-1)": ANY,
    "LogSoftmax(1)": "(2, 3) (2, 3, 4)",
    "Dropout(0)": ANY,
    "Dropout(1)": ANY,
    "Dropout2d(0)": "(2, 3, 4, 5) (3, 4, 5)",
    "Dropout2d(1)": "(2, 3, 4, 5) (3, 4, 5)",
    "Upsample(scale_factor=2)": "(2, 3, 4, 5) (0, 3, 4, 5)",
    "Upsample((3, 7))": "(2, 3, 4, 5)",
    "Upsample(scale_factor=(0.6, 1.7), mode='nearest-exact')": "(2, 3, 4, 5)",
    "Upsample(scale_factor=(0.6, 1.7), mode='bilinear')": "(2, 3, 4, 5)",
    "Upsample((7, 3), mode='bilinear', align_corners=True)": "(2, 3, 4, 5)",
    "Upsample(scale_factor=1.5, mode='bicubic')": "(2, 3, 4, 5)",
    "Upsample(scale_factor=1.4, mode='bilinear', recompute_scale_factor=True)": "(2, 3, 4, 5)",
    "Upsample((2, 3), mode='area')": "(2, 3, 4, 5)",
    "PixelShuffle(2)": "(2, 8, 3, 2) (4, 3, 2) (2, 3, 4, 5, 2)",
    "PixelUnshuffle(2)": "(2, 3, 4, 6) (3, 4, 6)",
    "ZeroPad2d(1)": "(2, 3, 4, 5) (3, 4, 5) (4, 5)",
    "ZeroPad2d((1, -1, 2, 0))": "(2, 3, 4, 5)",
    "ConstantPad2d((1, 2, 0, 3), 1.5)": "(2, 3, 4, 5) (3, 4, 5)",
    "ReflectionPad2d((1, 2, 3, 0))": "(2, 3, 4, 5) (3, 4, 5)",
    "ReplicationPad2d((1, 7, 3, 0))": "(2, 3, 4, 5) (3, 4, 5)",
    "CircularPad2d((1, 2, 3, 0))": "(2, 3, 4, 5) (3, 4, 5)",
}

RUNS = [(layer, eval(shape + ")")) for layer, shapes in LAYERS.items() for shape in shapes.split(")") if shape.strip()
        for shape in [shape.strip()]]


def build(T, program):
    return eval(f"T.nn.{program}", {"T": T})


def twins(program, random):
    """PyTorch's layer with random weights and statistics, and ours with the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = (build(T, program).double() for T in LIBRARIES)
    for name, value in theirs.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.from_numpy(random.random(tuple(value.shape)) + (0.5 if "var" in name else -0.4)))
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    return theirs, ours


def run(T, layer, arrays, upstream_seed, training):
    """Everything that one call and its backward give: outputs, gradients, and the layer's state afterwards."""
    layer.train(training)
    inputs = [T.tensor(a).requires_grad_() if a.dtype.kind == "f" else T.tensor(a) for a in map(np.asarray, arrays)]
    return run_on(T, layer, inputs, upstream_seed)


def run_on(T, layer, inputs, upstream_seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = layer(*inputs)
    outputs = list(out) if isinstance(out, tuple) else [out]
    if outputs[0].requires_grad:
        upstream = np.random.default_rng(upstream_seed).standard_normal(tuple(outputs[0].shape))
        outputs[0].backward(T.tensor(upstream))
    gradients = {f"input {i}": x.grad for i, x in enumerate(inputs)}
    gradients.update((name, p.grad) for name, p in layer.named_parameters())
    return plain([outputs, gradients, dict(layer.state_dict())])


def agree(program, arrays, training=True, rtol=1e-7):        # PyTorch computes a few constants in float32
    random = np.random.default_rng(7)
    theirs, ours = twins(program, random)
    compare(run(minicnn, ours, arrays, 1, training), run(torch, theirs, arrays, 1, training), rtol, atol=1e-10)


@pytest.mark.parametrize("program, shape", RUNS, ids=lambda value: str(value).replace(" ", ""))
def test_layer(program, shape):
    agree(program, [np.random.default_rng(3).standard_normal(shape)])


def first_shape(program):
    return eval(LAYERS[program].split(")")[0] + ")")


@pytest.mark.parametrize("program", LAYERS)
def test_float32_stays_float32(program):
    """An upcast anywhere would cost twice the memory traffic and go unnoticed by comparisons in float64."""
    layer = build(minicnn, program)
    x = minicnn.randn(*first_shape(program)).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = layer(x)
    out = outputs[0] if isinstance(outputs, tuple) else outputs
    out.backward(minicnn.ones(*out.shape))
    found = {"output": out, "input": x.grad, **{name: p.grad for name, p in layer.named_parameters()}}
    assert {name: str(t.dtype) for name, t in found.items()} == dict.fromkeys(found, "float32")


@pytest.mark.parametrize("program", [name for name in LAYERS if len(first_shape(name)) == 4])
def test_memory_order_of_the_input_does_not_matter(program):
    shape = first_shape(program)
    x = np.random.default_rng(3).standard_normal(shape)
    channels_last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    every_second = np.repeat(x, 2, axis=3)[:, ::-1, :, ::2]
    ours = twins(program, np.random.default_rng(7))[1]
    state = {name: value.clone() for name, value in ours.state_dict().items()}
    for other, same in ((channels_last, x), (every_second, np.ascontiguousarray(every_second))):
        results = []
        for array in (other, same):
            ours.load_state_dict(state)
            ours.zero_grad()
            results.append(run_on(minicnn, ours, [minicnn.from_numpy(array).requires_grad_()], 1))
        compare(*results, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("program", ["Linear(4, 3)", "Conv2d(4, 6, 3)", "ConvTranspose2d(4, 6, 3)", "BatchNorm2d(4)", "GroupNorm(2, 4)",
                                     "LayerNorm(4)", "PReLU(4)"])
@pytest.mark.parametrize("frozen", ["input", "weight", "bias", "input weight", "weight bias"])
def test_only_what_is_trained_gets_a_gradient(program, frozen):
    x = np.random.default_rng(3).standard_normal(first_shape(program))
    results = []
    for T, layer in zip(LIBRARIES, twins(program, np.random.default_rng(7))):
        for name, parameter in layer.named_parameters():
            parameter.requires_grad_(name not in frozen)
        results.append(run_on(T, layer, [T.tensor(x).requires_grad_("input" not in frozen)], 1))
    compare(results[1], results[0], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("program", [name for name in LAYERS if "Norm" in name or "Drop" in name])
def test_layer_in_evaluation(program):
    shape = first_shape(program)
    agree(program, [np.random.default_rng(3).standard_normal(shape)], training=False)


@pytest.mark.parametrize("program", [name for name in LAYERS if "BatchNorm" in name or "InstanceNorm" in name])
def test_running_statistics_over_several_batches(program):
    """Three batches in training, then one in evaluation: each sees what those before it left."""
    shape = first_shape(program)
    theirs, ours = twins(program, np.random.default_rng(7))
    for seed, training in enumerate((True, True, True, False)):
        x = [np.random.default_rng(seed).standard_normal(shape) * (seed + 1)]
        compare(run(minicnn, ours, x, seed, training), run(torch, theirs, x, seed, training), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("training", [True, False])
def test_tracking_switched_off_later_leaves_the_running_statistics_alone(training):
    def run(T):
        layer = T.nn.BatchNorm2d(2).train(training)
        layer.track_running_stats = False
        return [layer(T.tensor(np.arange(24.0).reshape(3, 2, 2, 2)).float()), dict(layer.state_dict())]

    assert_same(run, rtol=1e-5)


@pytest.mark.parametrize("shape", [(0, 4, 3, 3)])
def test_batch_norm_of_an_empty_batch_in_evaluation(shape):
    agree("BatchNorm2d(4)", [np.zeros(shape)], training=False)


@pytest.mark.parametrize("size", [(14, 11), [13, 12], (2, 6, 14, 12)])
def test_transposed_convolution_to_an_output_size(size):
    assert_same(lambda T: T.nn.ConvTranspose2d(4, 6, 3, 2)(T.ones(2, 4, 6, 5), output_size=size).shape)
    assert_same(lambda T: T.nn.ConvTranspose2d(4, 6, 3, 2, 1)(T.ones(4, 6, 5), output_size=list(size)[-2:]).shape)


@pytest.mark.parametrize("activation", ["ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid",
                                        "Hardtanh", "Dropout", "Dropout2d"])
def test_inplace_layers_leave_their_result_in_the_input_and_the_gradient_right(activation):
    def net(T):
        x = T.tensor(np.random.default_rng(0).standard_normal((2, 3, 2, 2)) * 3).requires_grad_()
        y = x * 2
        options = {"p": 1.0} if "Dropout" in activation else {}
        z = getattr(T.nn, activation)(inplace=True, **options)(y)
        (z * T.tensor(np.arange(24.0).reshape(2, 3, 2, 2))).sum().backward()
        return [z, y, x.grad]

    assert_same(net)


TARGETS = {"index": np.array([1, 3, 0, 2, 3]), "probability": np.random.default_rng(5).dirichlet(np.ones(4), 5),
           "values": np.random.default_rng(6).standard_normal((5, 4)), "binary": np.random.default_rng(5).random((5, 4))}
WEIGHT = "weight=T.tensor([0.5, 1.5, 0.2, 2.0], dtype=T.float64)"
LOSSES = {
    "CrossEntropyLoss": ("index", ["", WEIGHT, "ignore_index=3", "label_smoothing=0.2", f"{WEIGHT}, label_smoothing=0.1, ignore_index=1"]),
    "CrossEntropyLoss ": ("probability", ["", WEIGHT, "label_smoothing=0.2"]),
    "NLLLoss": ("index", ["", WEIGHT, "ignore_index=3", f"{WEIGHT}, ignore_index=0"]),
    "MSELoss": ("values", [""]),
    "L1Loss": ("values", [""]),
    "SmoothL1Loss": ("values", ["", "beta=0.3", "beta=0"]),
    "HuberLoss": ("values", ["", "delta=0.4"]),
    "BCEWithLogitsLoss": ("binary", ["", WEIGHT, WEIGHT.replace("weight", "pos_weight")]),
    "KLDivLoss": ("probability", [""]),
    "KLDivLoss ": ("values", ["log_target=True"]),
}
LOSS_RUNS = [(name.strip(), target, options, reduction) for name, (target, choices) in LOSSES.items() for options in choices
             for reduction in ("mean", "sum", "none", *(["batchmean"] if "KL" in name else []))]


@pytest.mark.parametrize("name, target, options, reduction", LOSS_RUNS)
def test_loss(name, target, options, reduction):
    program = f"{name}({options + ', ' if options else ''}reduction={reduction!r})"
    x = np.random.default_rng(2).standard_normal((5, 4))
    results = []
    for T in LIBRARIES:
        results.append(run(T, build(T, program), [x, TARGETS[target]], 1, True))
    compare(*reversed(results), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("options", ["", WEIGHT])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_binary_cross_entropy_of_probabilities(options, reduction):
    program = f"BCELoss({options + ', ' if options else ''}reduction={reduction!r})"
    x = np.random.default_rng(2).random((5, 4))
    results = [run(T, build(T, program), [x, TARGETS["binary"]], 1, True) for T in LIBRARIES]
    compare(*reversed(results), rtol=1e-7, atol=1e-10)


def test_binary_cross_entropy_of_certainty_is_bounded():
    def run(T):
        x = T.tensor([0.0, 1.0, 0.0, 1.0], dtype=T.float64, requires_grad=True)
        loss = T.nn.BCELoss(reduction="none")(x, T.tensor([0.0, 1.0, 1.0, 0.0], dtype=T.float64))
        loss.sum().backward()
        return [loss, x.grad]

    assert_same(run)


@pytest.mark.parametrize("shape, target", [((4,), np.array(2)), ((3, 4, 2), np.array([[0, 1], [2, 3], [1, 1]])),
                                           ((2, 4, 3, 3), np.arange(18).reshape(2, 3, 3) % 4), ((0, 4), np.zeros(0, int))])
@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "NLLLoss"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_class_losses_of_other_shapes(shape, target, loss, reduction):
    x = np.random.default_rng(2).standard_normal(shape)
    results = [run(T, build(T, f"{loss}(reduction={reduction!r})"), [x, target], 1, True) for T in LIBRARIES]
    compare(*reversed(results), rtol=1e-7, atol=1e-10)
