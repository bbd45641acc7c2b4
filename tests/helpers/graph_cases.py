"""Every layer and function of the surface as a small model, with an input of a batch of two: what must survive as a graph."""

import numpy as np

import minicnn
from minicnn import nn
from minicnn.nn import functional as F

rng = np.random.default_rng(1)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


IMAGE, SEQUENCE, VECTOR = normal(2, 4, 8, 9), normal(2, 4, 11), normal(2, 12)
EVEN = normal(2, 3, 4, 6)


class Holder(nn.Module):
    """One layer below a name, so that its weights have a path."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class Residual(Holder):
    """What goes into the layer is used a second time."""

    def forward(self, x):
        return self.layer(x) + x


class Calls(nn.Module):
    """A function as a model."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def written(x, index, value):
    """A copy of x with x[index] = value."""
    y = x.clone()
    y[index] = value
    return y


def joined_with_a_token(x):
    token = minicnn.ones(1, 1, 9).expand(x.shape[0], -1, -1)
    return minicnn.cat([token, x.flatten(2).transpose(1, 2)[..., :1].expand(-1, -1, 9)], 1)


ACTIVATIONS = "ELU GELU SELU Hardsigmoid Hardswish Hardtanh LeakyReLU Mish ReLU ReLU6 Sigmoid SiLU Softplus Tanh".split()
ON_IMAGES = {
    **{name: lambda name=name: getattr(nn, name)() for name in ACTIVATIONS},
    "PReLU of channels": lambda: nn.PReLU(4), "PReLU": nn.PReLU, "GELU tanh": lambda: nn.GELU("tanh"), "Softplus beta": lambda: nn.Softplus(2.0, 3.0),
    "Softplus threshold": lambda: nn.Softplus(1.0, 0.5), "Conv2d other margins": lambda: nn.Conv2d(4, 6, 3, padding=(0, 1)),
    "MaxPool2d other margins": lambda: nn.MaxPool2d(3, 2, padding=(0, 1)), "AvgPool2d other margins": lambda: nn.AvgPool2d(3, 2, padding=(1, 0)),
    "ConvTranspose2d other margins": lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=(0, 1)),
    "Softmax": lambda: nn.Softmax(1), "LogSoftmax": lambda: nn.LogSoftmax(-1), "LeakyReLU 0.3": lambda: nn.LeakyReLU(0.3), "ELU 0.7": lambda: nn.ELU(0.7),
    "Conv2d same": lambda: nn.Conv2d(4, 6, (2, 3), padding="same"), "Conv2d reflect": lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"),
    "Conv2d circular": lambda: nn.Conv2d(4, 6, 3, padding=(1, 2), padding_mode="circular"),
    "Conv2d replicate": lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="replicate"),
    "Conv2d groups": lambda: nn.Conv2d(4, 8, 3, groups=4, stride=(2, 1), dilation=(1, 2), bias=False),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
    "ConvTranspose2d dilation": lambda: nn.ConvTranspose2d(4, 6, (2, 3), stride=(1, 3), dilation=2, output_padding=(0, 1)),
    "Linear of images": lambda: nn.Linear(9, 5), "Linear of images without bias": lambda: nn.Linear(9, 5, bias=False),
    "BatchNorm2d": lambda: nn.BatchNorm2d(4, momentum=0.03, eps=1e-3), "BatchNorm2d plain means": lambda: nn.BatchNorm2d(4, momentum=None),
    "BatchNorm2d batch only": lambda: nn.BatchNorm2d(4, track_running_stats=False), "BatchNorm2d plain": lambda: nn.BatchNorm2d(4, affine=False),
    "GroupNorm": lambda: nn.GroupNorm(2, 4), "GroupNorm plain": lambda: nn.GroupNorm(4, 4, affine=False), "LayerNorm": lambda: nn.LayerNorm(9),
    "LayerNorm without bias": lambda: nn.LayerNorm((8, 9), bias=False), "LayerNorm plain": lambda: nn.LayerNorm([8, 9], elementwise_affine=False),
    "InstanceNorm2d": lambda: nn.InstanceNorm2d(4), "InstanceNorm2d affine": lambda: nn.InstanceNorm2d(4, affine=True),
    "LocalResponseNorm": lambda: nn.LocalResponseNorm(3, 0.1, 0.7, 2.0), "LocalResponseNorm even": lambda: nn.LocalResponseNorm(2, 0.1, 0.7, 2.0),
    "MaxPool2d": lambda: nn.MaxPool2d(2), "MaxPool2d ceil": lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), "MaxPool2d dilation": lambda: nn.MaxPool2d(2, 1, 1, 2),
    "MaxPool2d ceil dilation": lambda: nn.MaxPool2d(2, 3, 1, 2, ceil_mode=True), "MaxPool2d indices": lambda: nn.MaxPool2d(3, 2, 1, return_indices=True),
    "MaxPool2d ceil indices": lambda: nn.MaxPool2d(3, 2, 1, return_indices=True, ceil_mode=True), "AvgPool2d": lambda: nn.AvgPool2d(2),
    "AvgPool2d padding": lambda: nn.AvgPool2d(3, 2, 1), "AvgPool2d not the padding": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "AvgPool2d ceil": lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    "AvgPool2d ceil not the padding": lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
    "AvgPool2d divisor": lambda: nn.AvgPool2d(3, 2, 1, divisor_override=5), "LPPool2d": lambda: nn.LPPool2d(2, 3, 2),
    "LPPool2d ceil": lambda: nn.LPPool2d(2, 3, 2, ceil_mode=True), "Dropout": lambda: nn.Dropout(0.3), "Dropout2d": lambda: nn.Dropout2d(0.3),
    **{f"Adaptive{kind}Pool2d {size}": lambda kind=kind, size=size: getattr(nn, f"Adaptive{kind}Pool2d")(size)
       for kind in ("Avg", "Max") for size in (1, (4, 3), (3, 5), (None, 9), (None, 2))},
    "Flatten": nn.Flatten, "Flatten 2": lambda: nn.Flatten(2), "Unflatten": lambda: nn.Unflatten(1, (2, 2)), "PixelShuffle": lambda: nn.PixelShuffle(2),
    **{f"Upsample {mode} {corners} {size}": lambda mode=mode, corners=corners, size=size: nn.Upsample(
        mode=mode, **size, **({} if corners is None else {"align_corners": corners}))
       for mode, corners in [("nearest", None), ("nearest-exact", None), ("bilinear", False), ("bilinear", True), ("bicubic", False), ("bicubic", True),
                             ("area", None)]
       for size in ({"scale_factor": 2}, {"scale_factor": 1.5}, {"size": (5, 13)}, {"scale_factor": 0.5})},
    "ZeroPad2d": lambda: nn.ZeroPad2d((1, 2, -1, 0)), "ReflectionPad2d": lambda: nn.ReflectionPad2d((1, 2, 3, 0)), "ReplicationPad2d": lambda: nn.ReplicationPad2d(2),
    "CircularPad2d": lambda: nn.CircularPad2d((1, 2, 3, 0)), "ConstantPad2d": lambda: nn.ConstantPad2d(1, 3.5),
}
ON_SEQUENCES = {
    "Conv1d same": lambda: nn.Conv1d(4, 6, 3, padding="same"), "Conv1d": lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2),
    "BatchNorm1d of sequences": lambda: nn.BatchNorm1d(4), "Upsample linear": lambda: nn.Upsample(scale_factor=2, mode="linear"),
}
FUNCTIONS_OF_SEQUENCES = {
    "conv_transpose1d": lambda x: F.conv_transpose1d(x, minicnn.ones(4, 3, 3), None, 2, 1, 1), "max_pool1d": lambda x: F.max_pool1d(x, 3, 2, 1, ceil_mode=True),
    "avg_pool1d": lambda x: F.avg_pool1d(x, 3, 2, 1), "avg_pool1d ceil": lambda x: F.avg_pool1d(x, 3, 2, 1, True, False),
    "adaptive_avg_pool1d": lambda x: F.adaptive_avg_pool1d(x, 4), "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x, 4),
    "reflect cut": lambda x: F.pad(x, (-1, 2), "reflect"),
}
FUNCTIONS = {
    "celu": lambda x: F.celu(x, 1.3), "logsigmoid": F.logsigmoid, "hardshrink": F.hardshrink, "softshrink": F.softshrink, "threshold": lambda x: F.threshold(x, 0.1, 2.0),
    "softsign": F.softsign, "tanhshrink": F.tanhshrink, "glu": lambda x: F.glu(x, 1), "softmin": lambda x: F.softmin(x, 1),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2), "unfold": lambda x: F.unfold(x, (2, 3), 2, 1, (1, 2)),
    "fold": lambda x: F.fold(F.unfold(x, (2, 3), 1, 1, 2), (8, 9), (2, 3), 1, 1, 2), "normalize": F.normalize, "cosine_similarity": lambda x: F.cosine_similarity(x, x * x),
    "pairwise_distance": lambda x: F.pairwise_distance(x, x * x, 3.0), "mean": lambda x: x.mean(), "mean of axes": lambda x: x.mean((1, -1), keepdim=True),
    "var": lambda x: x.var(1), "var over the batch": lambda x: x.var((0, 1), unbiased=False), "std": lambda x: x.std((2, 3), keepdim=True), "sum": lambda x: x.sum((0, 2)),
    "sum of all": lambda x: x.sum(), "amax": lambda x: x.amax(1), "max along": lambda x: x.max(1), "min": lambda x: x.min(), "logsumexp": lambda x: x.logsumexp((1, 2)),
    "argmax": lambda x: x.argmax(), "argmin along": lambda x: x.argmin(-1, keepdim=True), "any": lambda x: (x > 0).any(1), "all": lambda x: (x > 0).all(1),
    "cumsum": lambda x: x.cumsum(2), "norm": lambda x: x.norm(2, 1), "norm 1": lambda x: x.norm(1, (1, 2), keepdim=True), "norm 3": lambda x: x.norm(3, 1),
    "norm 0": lambda x: x.norm(0, 1), "norm inf": lambda x: x.norm(float("inf"), 1), "sort": lambda x: x.sort(1, descending=True), "argsort": lambda x: x.argsort(-1),
    "topk": lambda x: x.topk(3, 2, largest=False), "flip": lambda x: x.flip(1, 3), "roll": lambda x: x.roll((1, -2), (1, 2)), "diagonal": lambda x: x.diagonal(1, 2, 3),
    "diagonal below": lambda x: x.diagonal(-2, 1, 3), "nonzero": lambda x: (x.sum((0, 1)) > -1e9).nonzero(), "one_hot": lambda x: F.one_hot(x.argmax(1), 4),
    "gather": lambda x: x.gather(1, x.argsort(1)), "scatter a number": lambda x: x.scatter(1, x.argmax(1, keepdim=True), 7.0),
    "scatter": lambda x: x.scatter(1, x.argsort(1), x * 2), "scatter_add": lambda x: x.scatter_add(1, x.argsort(1) % 2, x * 2), "x[:, [2, 0]]": lambda x: x[:, [2, 0]],
    "x[..., 1:-1:2, None, 3]": lambda x: x[..., 1:-1:2, None, 3], "index_select": lambda x: x.index_select(2, minicnn.tensor([1, 1, 0])),
    "x[:, 1] = 5": lambda x: written(x, (slice(None), 1), 5.0), "x[:, 1:3, ..., 2] = y": lambda x: written(x, (slice(None), slice(1, 3), ..., 2), x[:, :2, :, 0]),
    "masked_fill": lambda x: x.masked_fill(x > 0, 3.0), "arithmetic": lambda x: (x * 2 - 1) / (x.abs() + 1) + x**2 - x**3 + 2**x + (-x), "power": lambda x: x.abs() ** x,
    "rsqrt": lambda x: x.abs().add(1).rsqrt(), "exp and log": lambda x: x.exp().log1p() + x.expm1() + (x * x + 1).log() + (x * x + 1).sqrt() + (x * x + 1).reciprocal(),
    "sin, erf, tanh": lambda x: x.sin() * x.cos() + x.erf() + x.sigmoid() + x.tanh(), "round": lambda x: x.sign() + x.floor() - x.ceil() + x.trunc() + x.round(decimals=2),
    "floor divide": lambda x: x // 0.3 + x % 0.7 + minicnn.div(x, 0.3, rounding_mode="trunc"), "divide integers": lambda x: (x * 9).long() // 4 + (x * 9).long() % 4,
    "clamp": lambda x: x.clamp(-0.5, 0.7) + x.clamp(min=0.0), "clamp by tensors": lambda x: x.clamp(x * 0.5, x * x),
    "maximum": lambda x: minicnn.maximum(x, x * x) - minicnn.minimum(x, -x), "where": lambda x: minicnn.where(x > 0, x, x * 0.1),
    "compare": lambda x: ((x >= 0) & (x < 1)) | (x != x) | ~(x <= 0.5), "logical_and": lambda x: minicnn.logical_and(x, x > 0),
    "isfinite": lambda x: minicnn.isfinite(x) | minicnn.isnan(x) | minicnn.isinf(x), "matmul": lambda x: x @ x.transpose(-1, -2),
    "einsum": lambda x: minicnn.einsum("nchw,nkhw->nck", x, x), "cat": lambda x: minicnn.cat([x, x * 2], 2), "stack": lambda x: minicnn.stack([x, x * 2], 1),
    "chunk": lambda x: x.chunk(2, 1), "split": lambda x: x.split([1, 3], 1), "expand": lambda x: x[:, :1].expand(-1, 5, -1, -1),
    "expand the batch": lambda x: x.mean(0, keepdim=True).expand(len(x), -1, -1, -1), "repeat": lambda x: x.repeat(1, 2, 1, 3), "a token": joined_with_a_token,
    "cast": lambda x: x.double().float() + x.long(), "squeeze": lambda x: x[:, :1].squeeze(1).unsqueeze(-1), "movedim": lambda x: x.movedim(1, -1),
    "in place": lambda x: (x * 1).mul_(2).add_(x).relu_(), "detach": lambda x: x.detach() * x, "zeros of the batch": lambda x: minicnn.cat([x, minicnn.zeros(len(x), 1, 8, 9)], 1),
    "unbind": lambda x: x.unbind(1),
}
CASES = {
    **{name: (lambda make=make: Holder(make()), IMAGE) for name, make in ON_IMAGES.items()},
    **{name: (lambda make=make: Holder(make()), SEQUENCE) for name, make in ON_SEQUENCES.items()},
    **{name: (lambda f=f: Calls(f), SEQUENCE) for name, f in FUNCTIONS_OF_SEQUENCES.items()},
    **{name: (lambda f=f: Calls(f), IMAGE) for name, f in FUNCTIONS.items()},
    "Linear": (lambda: Holder(nn.Linear(12, 5)), VECTOR), "BatchNorm1d": (lambda: Holder(nn.BatchNorm1d(12)), VECTOR),
    "dropout beside the input": (lambda: Residual(nn.Dropout(0.3)), IMAGE), "BatchNorm2d beside the input": (lambda: Residual(nn.BatchNorm2d(4)), IMAGE),
    "PixelUnshuffle": (lambda: Holder(nn.PixelUnshuffle(2)), EVEN),
}


def made(name):
    """The model of a case, its parameters and statistics not at their beginnings, and its input."""
    make, x = CASES[name]
    minicnn.manual_seed(0)
    model = make()
    shaken(model)
    return model.eval(), x


def shaken(model):
    """A model whose norm layers do something."""
    for parameter in model.parameters():
        parameter.data = parameter.data + 0.1 * minicnn.randn(*parameter.shape)
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer.data = buffer.data + minicnn.rand(*buffer.shape)


def batch_of(x, n):
    """So many examples, made of those in x."""
    return np.concatenate([x] * n)[:n]


def arrays_of(result):
    return [t.array for t in result] if isinstance(result, (tuple, list)) else [result.array]


def trained(model, x, steps=1):
    """What a step of training leaves behind, all of it: losses, the input's gradient, parameters, statistics."""
    model.train()
    minicnn.manual_seed(3)
    optimizer = minicnn.optim.SGD(list(model.parameters()), 0.01) if any(True for _ in model.parameters()) else None
    found = []
    for _ in range(steps):
        given = minicnn.tensor(x, requires_grad=True)
        outputs = model(given)
        outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
        losses = [(y * y).sum() for y in outputs if y.requires_grad]
        if losses:
            sum(losses).backward()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()
        found += [y.detach().array for y in losses] + [np.zeros(0) if given.grad is None else given.grad.array]
    return found + [t.array for _, t in sorted(model.state_dict().items())]
