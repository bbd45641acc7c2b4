"""What one training step asks of a GPU: launches, copies, waits and allocations, counted on the simulated device.

    python -m tests.gpu_budget                 # a table of the networks; the exit status is 1 where one is over its budget
    python -m tests.gpu_budget --kernels       # and how often each kernel is launched
    python -m tests.gpu_budget resnet20 --where    # and which lines of the package copy, wait or allocate

A step moves a batch to the GPU, and computes the loss, the gradients and the update. Nothing of it may come back and nothing may wait,
or the GPU would stand still while Python catches up. How long a step takes on a GPU cannot be seen here.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from helpers import cupy_on_cpu  # noqa: E402

import minicnn  # noqa: E402
from minicnn import arrays, models, nn, optim  # noqa: E402

WARM = 2                # steps after which memory has been allocated and tables have been copied
STEPS = 2               # steps that are counted; each must be alike
BATCH_COPIES = 2        # images and labels


class Network(NamedTuple):
    """A network, what it learns from and by what."""

    name: str
    build: object               # () -> module
    images: tuple               # (N, C, H, W)
    optimizer: object           # parameters -> optimizer
    launches: int               # how many a step may have, cuBLAS's among them: what it has today, and a few more, for any batch


def _sgd(params):
    return optim.SGD(params, lr=0.05, momentum=0.9, weight_decay=1e-4)


def _adam(params):
    return optim.Adam(params, lr=1e-3)


NETWORKS = {network.name: network for network in (
    Network("lenet5", lambda: models.create("lenet5"), (4, 1, 28, 28), _sgd, 60),
    Network("vgg_small", lambda: models.create("vgg_small", image_size=16), (2, 3, 16, 16), _adam, 116),
    Network("resnet20", lambda: models.create("resnet20"), (2, 3, 16, 16), _sgd, 345),
)}


def batch(network, step):
    """Images (N, C, H, W) and labels (N,), always the same for a step."""
    generator = minicnn.Generator().manual_seed(step)
    return minicnn.randn(*network.images, generator=generator), minicnn.randint(0, 10, (network.images[0],), generator=generator)


def trainer(network, device="cuda", dtype="float32"):
    """A function that makes a step on a batch and returns the loss, a tensor; and the model."""
    minicnn.manual_seed(0)
    model = network.build().to(device, arrays.as_dtype(dtype))
    optimizer, criterion = network.optimizer(model.parameters()), nn.CrossEntropyLoss()

    def step(x, labels):
        x, labels = x.to(device, model_dtype(model)), labels.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def model_dtype(model):
    return next(model.parameters()).dtype


def measure(network, steps=STEPS, changed=lambda step: step):
    """The Events of each of some training steps, after the first ones. `changed` makes another function of the step's."""
    with cupy_on_cpu.pooled_memory():
        step = changed(trainer(network)[0])
        for number in range(WARM):
            step(*batch(network, number))
        return [events_of(step, *batch(network, number)) for number in range(WARM, WARM + steps)]


def events_of(step, x, labels):
    with cupy_on_cpu.recorded() as events:
        step(x, labels)
    return events


def excess(network, events):
    """What a step asked for beyond its budget, as sentences."""
    copies, launches = events.of("host to device"), events.count("launch") + events.products
    found = [str(event) for kind in ("device to host", "synchronisation", "allocation") for event in events.of(kind)]
    if len(copies) > BATCH_COPIES:
        found += map(str, copies)
    if launches > network.launches:
        found.append(f"{launches} launches, matrix products among them, of {network.launches}")
    return found + [f"in float64: {event}" for event in events if is_promoted(event)]


# The mean of the losses divides one number by how many there are: NumPy's rules make that a float64, which becomes a float32 at once.
OF_THE_MEAN = {"cupy_true_divide__float32_int64_float64", "cupy_copy__float64_float32"}


def is_promoted(event):
    """Whether a kernel of CuPy's computes in float64."""
    allowed = event.what in OF_THE_MEAN and "functional/loss.py" in event.where
    return event.kind == "launch" and "float64" in event.what and not allowed


# The table -----------------------------------------------------------------------------------------------------------------------


COLUMNS = {"launch": "launches", "host to device": "copies to GPU", "device to host": "copies back", "device to device": "copies there",
           "synchronisation": "waits", "allocation": "allocations"}


def row(network, events):
    return [network.name, "×".join(map(str, network.images)), *(str(events.count(kind)) for kind in COLUMNS),
            str(events.products), str(len(events.launches())), str(network.launches)]


def table(rows):
    """The rows as Markdown."""
    head = ["network", "batch", *COLUMNS.values(), "matrix products", "kernels", "allowed"]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"networks: {', '.join(NETWORKS)}; none named: all", metavar="NETWORK")
    parser.add_argument("--kernels", action="store_true", help="how often each kernel is launched")
    parser.add_argument("--where", action="store_true", help="which lines copy, wait or allocate")
    options = parser.parse_args()
    unknown = set(options.names) - NETWORKS.keys()
    if unknown:
        parser.error(f"no network called {', '.join(sorted(unknown))}; there are {', '.join(NETWORKS)}")
    cupy_on_cpu.start()
    measured = [(NETWORKS[name], measure(NETWORKS[name])[-1]) for name in options.names or NETWORKS]
    print(table(row(network, events) for network, events in measured))
    for network, events in measured:
        if options.kernels:
            print(f"\n{network.name}:", *(f"{count:5} {name}" for name, count in events.launches().most_common()), sep="\n")
        if options.where:
            print(f"\n{network.name}:", *(event for event in events if event.kind != "launch"), sep="\n")
    over = [f"{network.name}: {sentence}" for network, events in measured for sentence in excess(network, events)]
    if over:
        print("\nOver the budget:", *over, sep="\n")
        cupy_on_cpu.leave_with(1)


if __name__ == "__main__":
    main()
