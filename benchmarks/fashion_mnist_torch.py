"""The training of `minicnn train`, as one would write it for PyTorch: `fashion_mnist.py` compares the two."""

import copy

import torch
from networks import NETWORKS
from torch import nn
from torch.nn import functional as F

EVALUATION_BATCH = 256


class TorchRun:
    """A network, its optimizer and its data, trained epoch by epoch.

    settings  minicnn's Config; the defaults' optimizer and schedule only
    job       minicnn's Job: the images of the three parts, and their normalisation
    """

    def __init__(self, settings, job, layout):
        assert (settings.optimizer, settings.scheduler) == ("sgd", "one-cycle"), "no other is written down here"
        torch.manual_seed(settings.seed)
        self.settings, self.layout = settings, getattr(torch, layout)
        self.parts = {name: (torch.from_numpy(part.images), torch.from_numpy(part.labels)) for name, part in job.parts._asdict().items()}
        self.mean, self.std = (torch.tensor(values).reshape(-1, 1, 1) for values in (job.classifier.mean, job.classifier.std))
        self.model = NETWORKS[settings.model].build(torch).to(memory_format=self.layout)
        steps = settings.epochs * -(-len(self.parts["train"][1]) // settings.batch_size)
        self.optimizer = torch.optim.SGD(self.model.parameters(), settings.lr, momentum=0.9, nesterov=True,
                                         weight_decay=settings.weight_decay)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, settings.lr, total_steps=max(steps, 2) + 1)
        self.loss = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
        self.best_accuracy, self.best = -1, None

    def epoch(self):
        """One pass over the training images, then the validation."""
        images, labels = self.parts["train"]
        self.model.train()
        for chosen in torch.randperm(len(labels)).split(self.settings.batch_size):
            x, target = self.prepared(shifted(images[chosen], self.settings.shift)), labels[chosen]
            self.optimizer.zero_grad()
            loss = self.loss(self.model(x), target)
            loss.item()                             # minicnn's trainer looks at every loss, too
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
        accuracy = self.accuracy("validation")
        if accuracy > self.best_accuracy:
            self.best_accuracy, self.best = accuracy, copy.deepcopy(self.model.state_dict())

    def prepared(self, images):
        """uint8 images as the network takes them."""
        return ((images.float() / 255 - self.mean) / self.std).contiguous(memory_format=self.layout)

    @torch.no_grad()
    def accuracy(self, part):
        images, labels = self.parts[part]
        self.model.eval()
        right = sum((self.model(self.prepared(x)).argmax(1) == target).sum().item()
                    for x, target in zip(images.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH)))
        return right / len(labels)

    def test(self):
        """The accuracy of the best epoch on the test images."""
        self.model.load_state_dict(self.best)
        return self.accuracy("test")


def shifted(images, pixels):
    """Each image (N, C, H, W) moved by -pixels...pixels, at random, down and to the right; zeros move in."""
    n, channels, height, width = images.shape
    padded = F.pad(images, (pixels,) * 4)
    top, left = torch.randint(2 * pixels + 1, (2, n, 1, 1, 1))
    rows, columns = top + torch.arange(height).reshape(-1, 1), left + torch.arange(width)
    return padded[torch.arange(n).reshape(-1, 1, 1, 1), torch.arange(channels).reshape(-1, 1, 1), rows, columns]
