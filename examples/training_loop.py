"""A training loop written out, as in PyTorch: ten lines of network, ten lines of loop.

    python examples/training_loop.py        some seconds; ends at about 98 % on digits it has not seen
"""

import minicnn
from minicnn import data, nn, optim
from minicnn.nn import functional as F


class Net(nn.Module):
    """Two convolutions, one dense layer, for grey images of 8x8 pixels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dense = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):                               # (N, 1, 8, 8)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)      # (N, 16, 4, 4)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)      # (N, 32, 2, 2)
        return self.dense(x.flatten(1))                 # (N, 10)


def train(model, loader, epochs):
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    for epoch in range(1, epochs + 1):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch:2}  loss of the last batch {loss.item():.4f}")


def accuracy(model, images, labels):
    model.eval()
    with minicnn.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()


def main(epochs=20):
    minicnn.manual_seed(0)
    training, test = data.Digits(train=True), data.Digits(train=False)
    model = Net()
    train(model, data.DataLoader(data.TensorDataset(*training.tensors()), batch_size=32, shuffle=True), epochs)
    print(f"test accuracy {accuracy(model, *test.tensors()):.2%}")


if __name__ == "__main__":
    main()
