"""Networks in PyTorch, one for each habit of image classifiers, and both of its exporters: what `minicnn.onnx.load` is tested on."""

import contextlib
import io
import logging
import warnings

import torch
from torch import nn
from torch.nn import functional as F


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.sigmoid(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc3(F.relu(self.fc2(F.relu(self.fc1(x))))), dim=1)


class AlexNet(nn.Module):
    """With local response normalization and dropout."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 12, 7, stride=2, padding=2), nn.ReLU(inplace=True), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
            nn.Conv2d(12, 16, 5, padding=2, groups=2), nn.ReLU(inplace=True), nn.LocalResponseNorm(3, 1e-2, 0.5, 2.0), nn.MaxPool2d(3, 2))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(16 * 49, 32), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(32, 7))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def vgg_bn():
    layers, channels = [], 3
    for width in (8, "M", 12, 12, "M"):
        if width == "M":
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((4, 2)), nn.Flatten(), nn.Linear(12 * 8, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 5))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        self.layer1, self.layer2 = nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 8)), nn.Sequential(BasicBlock(8, 16, 2), BasicBlock(16, 16))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(16, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.one = nn.Conv2d(8, 4, 1)
        self.three = nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1))
        self.five = nn.Sequential(nn.Conv2d(8, 2, 1), nn.BatchNorm2d(2, eps=0.001), nn.ReLU(), nn.Conv2d(2, 4, 5, padding=2))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), nn.Conv2d(8, 2, 1))
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)
        return F.softmax(self.fc(x.mean([2, 3])), dim=-1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, 1)
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(s))))


class LinearExcite(nn.Module):
    """Squeeze and excite as it was first written: by Linear and view."""

    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, 4), nn.ReLU(), nn.Linear(4, channels), nn.Sigmoid())

    def forward(self, x):
        n, c, _, _ = x.size()
        return x * self.fc(F.adaptive_avg_pool2d(x, 1).view(n, c)).view(n, c, 1, 1).expand_as(x)


def mobilenet():
    def block(inputs, outputs, stride, excite):
        hidden = inputs * 2
        return nn.Sequential(nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.Hardswish(),
                             nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(),
                             excite(hidden), nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU(), block(8, 8, 1, SqueezeExcite), block(8, 12, 2, LinearExcite),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(12, 5))


class Dilated(nn.Module):
    """Dilated and grouped convolutions, "same" padding, channel shuffle, chunk, activations of every kind."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=2, dilation=2), nn.Conv2d(8, 8, 3, padding="same", groups=4, dilation=3)
        self.c, self.d = nn.Conv2d(4, 4, (1, 3), padding=(0, 1), stride=(2, 1)), nn.Conv2d(4, 4, (1, 3), padding=(0, 1), stride=(2, 1))
        self.prelu, self.norm = nn.PReLU(8), nn.GroupNorm(2, 8)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = self.prelu(self.a(F.pad(x, (1, 2, 0, 1))))
        x = self.norm(F.elu(self.b(x)))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
        p, q = x.chunk(2, 1)
        x = torch.cat((F.gelu(self.c(p)), F.mish(self.d(q))), dim=1)
        return self.fc(F.leaky_relu(F.selu(x), 0.2).amax((2, 3)))


class UNet(nn.Module):
    """Skips, three ways of going up, an upsampling to the size of another image."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.middle, self.up = nn.Conv2d(8, 8, 3, padding=1), nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1)
        self.nearest, self.bilinear = nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.shuffle, self.last = nn.PixelShuffle(2), nn.Conv2d(6 + 8 + 8 + 2 + 6, 2, 1)

    def forward(self, x):
        a = F.relu(self.down1(x))
        b = F.relu(self.down2(F.max_pool2d(a, 2)))
        m = F.relu(self.middle(F.max_pool2d(b, 2)))
        m = F.interpolate(m, size=b.shape[2:], mode="bilinear", align_corners=False) + b
        return self.last(torch.cat([a, self.nearest(m), self.bilinear(m), self.shuffle(m), self.up(m)], 1))


class Norms(nn.Module):
    """Normalizations, paddings and reductions."""

    def __init__(self):
        super().__init__()
        self.conv, self.instance = nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect"), nn.InstanceNorm2d(8, affine=True)
        self.layer, self.fc = nn.LayerNorm([8, 6, 6]), nn.Linear(8, 3, bias=False)
        self.scale = nn.Parameter(torch.rand(8, 1, 1) + 0.5)
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))

    def forward(self, x):
        x = self.instance(self.conv((x - self.mean) / 0.25))
        x = F.pad(x, (1, 1, 1, 1), mode="replicate") * self.scale
        x = self.layer(F.adaptive_max_pool2d(x, (6, 6)))
        x = F.softplus(x).permute(0, 2, 3, 1)
        return self.fc(F.normalize(x.flatten(1, 2), dim=2)).mean(1)


NETWORKS = {
    "lenet": (LeNet, (1, 28, 28)), "alexnet": (AlexNet, (3, 63, 63)), "vgg_bn": (vgg_bn, (3, 31, 31)), "resnet": (ResNet, (3, 32, 32)),
    "inception": (Inception, (3, 16, 16)), "mobilenet": (mobilenet, (3, 32, 32)), "dilated": (Dilated, (3, 18, 20)),
    "unet": (UNet, (3, 32, 32)), "norms": (Norms, (3, 10, 10)),
}


def network(name):
    """(a network with statistics of its own in evaluation, the shape of one image)."""
    torch.manual_seed(0)
    build, shape = NETWORKS[name]
    model = build()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval(), shape


def export(model, shape, path, dynamo, opset=None, trainable=False):
    """Write an .onnx file with a free batch size by one of PyTorch's exporters; `trainable` keeps batch norm and dropout apart."""
    options = {}
    if dynamo:
        options |= {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "optimize": not trainable}
    else:
        options["dynamic_axes"] = {"input": {0: "batch"}}
        if trainable:
            options |= {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    with quiet():
        torch.onnx.export(model, (torch.randn(2, *shape),), str(path), input_names=["input"], dynamo=dynamo, opset_version=opset, **options)
    return str(path)


@contextlib.contextmanager
def quiet():
    """The exporters warn and print of what is not ours."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
