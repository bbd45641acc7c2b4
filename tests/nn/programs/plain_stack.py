"""A VGG made from a list, with initial values set by name, and a classifier with dropout switched off."""
# ruff: noqa: UP008, UP031, B020 (written as people write it)
import torch
import torch.nn as nn

cfg = {'small': [6, 'M', 8, 8, 'M', 12, 'M'], 'wide': [16, 'M', 32, 'M']}


class VGG(nn.Module):
    def __init__(self, name):
        super(VGG, self).__init__()
        self.features = self._make_layers(cfg[name])
        self.classifier = nn.Sequential(nn.Linear(12 * 2 * 2, 16), nn.PReLU(16), nn.Dropout(p=0.), nn.Linear(16, 10))
        for name, parameter in self.named_parameters():
            if name.endswith('bias'):
                nn.init.zeros_(parameter)
            elif parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter, gain=nn.init.calculate_gain('relu'))
        with torch.no_grad():
            self.classifier[-1].weight.mul_(0.5)
            self.classifier[0].bias.fill_(0.1)

    def forward(self, x):
        out = self.features(x)
        out = out.view(-1, self.num_flat_features(out))
        return self.classifier(out)

    def num_flat_features(self, x):
        num_features = 1
        for s in x.size()[1:]:
            num_features *= s
        return num_features

    def _make_layers(self, cfg):
        layers = []
        in_channels = 3
        for x in cfg:
            if x == 'M':
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                layers += [nn.Conv2d(in_channels, x, kernel_size=3, padding=1), nn.BatchNorm2d(x), nn.ELU(inplace=True)]
                in_channels = x
        layers += [nn.AvgPool2d(kernel_size=1, stride=1)]
        return nn.Sequential(*layers)


def build():
    return VGG('small')


INPUT = (3, 3, 16, 16)
