"""Programs that people write for CIFAR, each one source for both libraries: `import torch` against `import minicnn as torch`."""

import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import minicnn  # noqa: E402
from minicnn import nn  # noqa: E402
from side_by_side import compare, plain  # noqa: E402

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


def load(path, library):
    """Run a program's source, with its imports of torch turned into imports of the library."""
    source = path.read_text(encoding="utf-8")
    if library is minicnn:
        source = re.sub(r"^import torch$", "import minicnn as torch", source, flags=re.MULTILINE)
        source = re.sub(r"^(import|from) torch\b", r"\1 minicnn", source, flags=re.MULTILINE)
    names = {"__name__": path.stem}
    exec(compile(source, str(path), "exec"), names)
    return names


def twins(path):
    theirs, ours = (load(path, library)["build"]().double() for library in (torch, minicnn))
    random = np.random.default_rng(0)
    for name, value in theirs.state_dict().items():
        if "running_var" in name:
            value.copy_(torch.from_numpy(random.random(tuple(value.shape)) + 0.5))
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    return theirs, ours, load(path, torch)["INPUT"]


def step(T, net, x, labels):
    """Two training steps and an evaluation: logits, losses, the first gradients, and all state at the end."""
    net.train()
    optimizer = T.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    results = []
    for _ in range(2):
        optimizer.zero_grad()
        logits = net(T.tensor(x))
        loss = T.nn.CrossEntropyLoss()(logits, T.tensor(labels))
        loss.backward()
        results.append([logits, loss, {name: p.grad for name, p in net.named_parameters()}])
        optimizer.step()
    net.eval()
    with T.no_grad():
        results.append(net(T.tensor(x)))
    return plain([results, dict(net.state_dict())])


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program_trains_as_with_pytorch(path):
    theirs, ours, shape = twins(path)
    assert repr(ours) == repr(theirs)
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    random = np.random.default_rng(1)
    x, labels = random.standard_normal(shape), random.integers(0, 10, shape[0])
    compare(step(minicnn, ours, x, labels), step(torch, theirs, x, labels), rtol=1e-6, atol=1e-9)


def test_the_programs_are_run_by_minicnn():
    """The exchange of imports really takes torch out: no module of a program is PyTorch's."""
    net = load(PROGRAMS[0], minicnn)["build"]()
    assert isinstance(net, nn.Module) and all(isinstance(p, minicnn.Tensor) for p in net.parameters())
