"""An operation of one's own, with its gradient, and the proof that the gradient is right.

Swish is x·σ(βx), where β is learned (Ramachandran, Zoph & Le, "Searching for activation functions", 2017). With
s = σ(βx), and s' = s(1 - s):

    dx = dy · (s + βx·s')          dβ = Σ dy · x²·s'

    python examples/custom_operation.py
"""

import minicnn
from minicnn import autograd, data, nn, optim
from minicnn.nn import functional as F


class Swish(autograd.Function):
    """The operation: what is computed, what is kept, and how a gradient goes back through it."""

    @staticmethod
    def forward(ctx, x, beta):
        ctx.save_for_backward(x, beta)          # inputs only: a saved σ would be a constant to a second derivative
        return x * minicnn.sigmoid(beta * x)

    @staticmethod
    def backward(ctx, dy):
        x, beta = ctx.saved_tensors
        s = minicnn.sigmoid(beta * x)
        slope = s * (1 - s)
        dx = dy * (s + beta * x * slope)
        dbeta = (dy * x * x * slope).sum()
        return dx, dbeta


class WrongSwish(Swish):
    """A classic mistake: the second term of the product rule is forgotten."""

    @staticmethod
    def backward(ctx, dy):
        x, beta = ctx.saved_tensors
        s = minicnn.sigmoid(beta * x)
        return dy * s, (dy * x * x * s * (1 - s)).sum()


class SwishLayer(nn.Module):
    """The operation as a layer, with β as its parameter."""

    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(minicnn.tensor(1.0))

    def forward(self, x):
        return Swish.apply(x, self.beta)


def check():
    """Compare backward with finite differences; float64, so that the differences can be small."""
    x = minicnn.randn(3, 4, dtype=minicnn.float64, requires_grad=True)
    beta = minicnn.tensor(0.7, dtype=minicnn.float64, requires_grad=True)
    print("the gradient is right:", autograd.gradcheck(Swish.apply, (x, beta)))
    print("and so is the gradient of the gradient:", autograd.gradgradcheck(Swish.apply, (x, beta)))
    try:
        autograd.gradcheck(WrongSwish.apply, (x, beta))
    except minicnn.errors.GraphError as error:
        print(f"the mistake is found:\n{error}")


def train(steps=100):
    """The layer in a network: β moves with the weights."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), SwishLayer(), nn.Linear(32, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    images, labels = data.Digits(train=True).tensors()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    print(f"after {steps} steps: loss {loss.item():.4f}, beta {model[2].beta.item():.3f}")


if __name__ == "__main__":
    minicnn.manual_seed(0)
    check()
    train()
