"""Times a training step (forward, loss, backward, SGD with momentum) of minicnn and PyTorch, side by side in one process.

    python benchmarks/training_step.py --against torch
    python benchmarks/training_step.py --models lenet5 resnet20 --kernels array numba --seconds 20

Contenders take turns, so that whatever else the machine does disturbs all of them alike; what counts is the ratio of the medians.
PyTorch runs the same network twice, with its two memory layouts; the ratio is to the better one. Before the clock starts, all of
them take three steps from the same weights, and their losses are shown.
"""

import argparse
import os
import statistics
import time
from types import FunctionType

import numpy as np

import minicnn
from minicnn import kernels, models, nn, optim

MODELS = ["lenet5", "vgg_small", "resnet20"]
LEARNING_RATE, MOMENTUM = 0.01, 0.9


def batch(name, size):
    """Images (N, C, H, W) of noise and their labels (N,)."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((size, *models.registry.usual_input(name)), np.float32), rng.integers(0, 10, size)


# Contenders: functions that take one step and return its loss ----------------------------------------------------------------


def our_step(model, images, labels, form):
    """minicnn with one form of its kernels."""
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    x, wanted = minicnn.tensor(images), minicnn.tensor(labels)

    def step():
        with kernels.using(form):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), wanted)
            loss.backward()
            optimizer.step()
        return loss.item()
    return step


def torch_step(ours, images, labels, layout):
    """PyTorch with the same network, from the same weights."""
    import torch

    model = in_torch(ours).to(memory_format=getattr(torch, layout))
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    x, wanted = torch.tensor(images).contiguous(memory_format=getattr(torch, layout)), torch.tensor(labels)

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), wanted)
        loss.backward()
        optimizer.step()
        return loss.item()
    return step


def in_torch(module):
    """The module and all in it rebuilt of PyTorch's layers of the same names, with the same parameters and buffers."""
    import torch

    twin = twin_of(module)
    if not list(module.children()):
        twin.load_state_dict({name: torch.tensor(value.numpy()) for name, value in module.state_dict().items()})
    return twin


def twin_of(module):
    """One of PyTorch's layers, made from what ours says of itself; or a network around such layers."""
    import torch

    children = {name: in_torch(child) for name, child in module.named_children()}
    kind = getattr(torch.nn, type(module).__name__, None)
    if kind is torch.nn.Sequential:
        return kind(*children.values())
    if kind is not None:
        return eval(f"torch.nn.{type(module).__name__}({module.extra_repr()})", {"torch": torch})
    return network_in_torch(module, children)


def network_in_torch(module, children):
    """A network that PyTorch does not have: its own methods, with PyTorch's `nn` and `F` in place of ours."""
    import torch

    def in_its_words(function):
        return FunctionType(function.__code__, function.__globals__ | {"nn": torch.nn, "F": torch.nn.functional})

    methods = {name: in_its_words(value) for name, value in vars(type(module)).items()
               if isinstance(value, FunctionType) and name != "__init__"}
    network = type(type(module).__name__, (torch.nn.Module,), methods)()
    for name, child in children.items():
        network.add_module(name, child)
    for name, value in vars(module).items():
        if isinstance(value, int) and not hasattr(network, name):
            setattr(network, name, value)
    return network


# Timing ---------------------------------------------------------------------------------------------------------------------


def measure(steps, seconds):
    """{name: times in s}, the contenders taking turns for so many seconds, at least five turns."""
    times, end = {name: [] for name in steps}, time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(steps))]) < 5:
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    return times


def contenders(name, size, forms, against):
    """{name: step} of everything that is compared on one model, all from the same weights."""
    images, labels = batch(name, size)
    first = models.create(name)
    steps = {}
    if against == "torch":
        steps = {f"torch {layout}": torch_step(first, images, labels, layout) for layout in ("contiguous_format", "channels_last")}
    for form in forms:
        model = models.create(name)
        model.load_state_dict(first.state_dict())
        steps[f"minicnn {form}"] = our_step(model, images, labels, form)
    return steps


def report(name, size, losses, times):
    """One line per contender: median and 20th percentile in ms, ratio to PyTorch's better layout, the first losses."""
    medians = {contender: statistics.median(all_times) for contender, all_times in times.items()}
    best = min((t for contender, t in medians.items() if contender.startswith("torch")), default=None)
    print(f"\n{name}, batch {size}, {len(next(iter(times.values())))} turns")
    for contender, median in medians.items():
        ratio = f"{median / best:5.2f}" if best else "     "
        low = np.percentile(times[contender], 20)
        print(f"  {contender:24} median {1e3 * median:8.2f} ms   p20 {1e3 * low:8.2f} ms   ratio {ratio}   "
              f"first call {losses[contender][0]:5.1f} s   losses {' '.join(f'{loss:.4f}' for loss in losses[contender][1])}")


def first_steps(step):
    """(seconds of the first call, three losses)."""
    start = time.perf_counter()
    losses = [step()]
    return time.perf_counter() - start, losses + [step(), step()]


def set_threads(count, against):
    """The same number for everybody; Numba first, because it sets OpenMP's number for the whole process."""
    os.environ["NUMBA_NUM_THREADS"] = str(count)
    minicnn.set_num_threads(count)
    with kernels.using("numba"):
        pass
    if against == "torch":
        import torch

        torch.set_num_threads(count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", choices=["torch", "nothing"], default="torch")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=models.names())
    parser.add_argument("--kernels", nargs="+", default=["numba"], choices=["array", "numba"])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20, help="of measuring, for each model")
    chosen = parser.parse_args()
    set_threads(chosen.threads, chosen.against)
    for name in chosen.models:
        steps = contenders(name, chosen.batch, chosen.kernels, chosen.against)
        losses = {contender: first_steps(step) for contender, step in steps.items()}
        report(name, chosen.batch, losses, measure(steps, chosen.seconds))


if __name__ == "__main__":
    main()
