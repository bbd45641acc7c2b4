"""Every layer prints as PyTorch's does, and keeps its state under the same keys."""

import pytest

torch = pytest.importorskip("torch")
from side_by_side import assert_both_refuse, assert_same  # noqa: E402

LAYERS = """
Identity()
Identity(3, unused=4)
Flatten()
Flatten(0, 2)
Unflatten(1, (2, 3))
Linear(3, 4)
Linear(3, 4, bias=False)
Conv1d(2, 3, 3, padding=1)
Conv1d(4, 4, (3,), (2,), (1,), (2,), 2, False, 'reflect')
Conv2d(3, 4, 3)
Conv2d(4, 4, (3, 2), 2, 1, 2, 2, False, 'circular')
Conv2d(4, 4, 3, padding='same')
Conv2d(4, 4, 3, padding='valid', groups=4)
Conv2d(4, 4, 3, padding=(1, 0))
Conv2d(4, 4, [3, 1], stride=[1, 2])
ConvTranspose2d(4, 4, 3, 2, 1, 1)
ConvTranspose2d(4, 6, (3, 2), 2, 1, 1, 2, False, 2)
MaxPool2d(2)
MaxPool2d((2, 3), (2, 1), (1, 1), 2, True, True)
AvgPool2d(2)
AvgPool2d((2, 3), 1, 1, True, False, 3)
LPPool2d(2, 3, 2, True)
AdaptiveAvgPool2d(1)
AdaptiveAvgPool2d((2, None))
AdaptiveMaxPool2d((1, 2), True)
BatchNorm1d(3)
BatchNorm2d(3)
BatchNorm2d(3, bias=False)
BatchNorm2d(3, 1e-3, 0.01, False)
BatchNorm2d(3, momentum=None, affine=False, track_running_stats=False)
InstanceNorm2d(3)
InstanceNorm2d(3, affine=True, track_running_stats=True)
GroupNorm(2, 4)
GroupNorm(2, 4, affine=False)
GroupNorm(2, 4, bias=False)
LayerNorm(3)
LayerNorm([3, 4], 1e-3, False)
LayerNorm(3, bias=False)
LocalResponseNorm(2)
LocalResponseNorm(2, 1, 1, 2)
ReLU()
ReLU(True)
ReLU6()
ReLU6(True)
LeakyReLU()
LeakyReLU(0.2, True)
PReLU()
PReLU(3, 0.5)
ELU()
ELU(0.5, True)
SELU()
SELU(True)
GELU()
GELU('tanh')
SiLU()
SiLU(True)
Mish()
Mish(True)
Hardswish()
Hardswish(True)
Hardsigmoid()
Hardsigmoid(True)
Hardtanh()
Hardtanh(-2, 2, True)
Hardtanh(min_value=-3, max_value=3)
Sigmoid()
Tanh()
Softplus()
Softplus(2, 10)
Softmax()
Softmax(1)
LogSoftmax(1)
Dropout()
Dropout(0.3, True)
Dropout2d()
Upsample(scale_factor=2)
Upsample(scale_factor=(2, 3), mode='bicubic')
Upsample((3, 4), mode='bilinear', align_corners=True)
Upsample(5)
PixelShuffle(2)
PixelUnshuffle(2)
ZeroPad2d(1)
ZeroPad2d((1, 2, 3, 4))
ReflectionPad2d(1)
ReplicationPad2d((1, 2, 0, 0))
CircularPad2d(1)
ConstantPad2d(1, 2.5)
CrossEntropyLoss()
CrossEntropyLoss(T.ones(3), ignore_index=2, label_smoothing=0.1)
NLLLoss(T.ones(3))
MSELoss()
L1Loss(reduction='sum')
SmoothL1Loss(beta=2)
HuberLoss(delta=2)
BCELoss(T.ones(3))
BCEWithLogitsLoss(T.ones(3), pos_weight=T.ones(3))
KLDivLoss(log_target=True)
""".strip().splitlines()

REFUSED = """
Linear(-1, 3)
Linear(2.0, 3)
Linear('a', 3)
Conv2d(3, 4, 3, groups=2)
Conv2d(4, 3, 3, groups=2)
Conv2d(4, 4, 3, groups=0)
Conv2d(4, 4, 3, groups=-1)
Conv2d(4, 4, 3, groups=2.0)
Conv2d(-1, 4, 3)
Conv2d(4, 4, -1)
Conv2d(4, 4, 3.0)
Conv2d(4, 4, 'ab')
Conv2d(4, 4, None)
Conv2d(4, 4, 3, padding='full')
Conv2d(4, 4, 3, padding='same', stride=2)
Conv2d(4, 4, 3, padding_mode='mirror')
Conv2d(4, 4, 3, dtype=T.int64)
Conv2d(4, 4)
ConvTranspose2d(4, 4, 3, padding_mode='reflect')
BatchNorm2d(-1)
BatchNorm2d('a')
BatchNorm2d(2.0)
GroupNorm(3, 4)
GroupNorm(0, 4)
LayerNorm(-1)
LayerNorm('ab')
LayerNorm(2.5)
PReLU(-1)
Hardtanh(2, 1)
Hardtanh(1, 1)
Dropout(1.5)
Dropout(-0.1)
Dropout('a')
Dropout2d(2)
Unflatten(1, 4)
Unflatten(1, (2, 2.0))
Upsample(scale_factor='a')
ConstantPad2d(1)
NLLLoss(weight=3)
CrossEntropyLoss(weight=[1.0, 2.0])
MSELoss(weight=3)
""".strip().splitlines()


def made(T, program):
    return eval(f"T.nn.{program}", {"T": T})


@pytest.mark.parametrize("program", LAYERS)
def test_layer_prints_and_stores_as_pytorchs(program):
    def run(T):
        layer = made(T, program)
        public = {name: value for name, value in vars(layer).items() if name[0] != "_" and name not in HIDDEN}
        state = {name: (tuple(value.shape), value.dtype) for name, value in layer.state_dict().items()}
        return [layer, state, {name: public[name] for name in sorted(public)}]

    assert_same(run)


# What PyTorch's own implementation keeps and no program reads.
HIDDEN = ("name", "transposed")


@pytest.mark.parametrize("program", [program for program in LAYERS if "Norm" in program or "PReLU" in program])
def test_constant_initial_values(program):
    def run(T):
        layer = made(T, program)
        fresh = {name: value.clone() for name, value in layer.state_dict().items()}
        for value in layer.state_dict().values():
            value.fill_(7)
        layer.reset_parameters() if hasattr(layer, "reset_parameters") else None
        return [fresh, dict(layer.state_dict())]

    assert_same(run)


@pytest.mark.parametrize("program", REFUSED)
def test_constructor_refuses_what_pytorchs_refuses(program):
    assert_both_refuse(lambda T: made(T, program))


@pytest.mark.parametrize("loss", ["MSELoss", "CrossEntropyLoss", "BCEWithLogitsLoss"])
@pytest.mark.parametrize("flags", [{}, {"size_average": False}, {"reduce": False}, {"reduce": True},
                                   {"size_average": True, "reduce": False}, {"size_average": False, "reduce": True}])
def test_former_names_of_the_reduction(loss, flags):
    assert_same(lambda T: getattr(T.nn, loss)(**flags).reduction)


@pytest.mark.parametrize("program", ["Linear(2, 3", "Conv2d(2, 2, 3", "ConvTranspose2d(2, 2, 3", "BatchNorm2d(2", "LayerNorm(3",
                                     "GroupNorm(2, 4", "PReLU(2", "InstanceNorm2d(2, affine=True"])
def test_dtype_and_device_arguments(program):
    def run(T):
        layer = made(T, program + ", device='cpu', dtype=T.float64)")
        return [[str(p.dtype).replace("torch.", "") for p in layer.parameters()], [str(p.device) for p in layer.parameters()]]

    assert_same(run)
