"""The contenders of a comparison, functions that take one step of training or inference on the same images and weights; its rows."""

from contextlib import nullcontext

import numpy as np
from common import median, percentile_20, print_table, take_turns
from networks import NETWORKS, ours

LEARNING_RATE, MOMENTUM = 1e-4, 0.9         # low: one image is learnt by heart in a few steps else, and its gradients become denormal
LAYOUTS = {"PyTorch NCHW": "contiguous_format", "PyTorch channels_last": "channels_last"}
STILL = 1e-9                                # the rate while the clock runs: the weights hardly move
COMPARED_STEPS, TOLERANCE = 5, 1e-3
DEFAULT = [name for name in NETWORKS if name != "small_cnn"]


class Contender:
    """One library with one network; called, it takes a step and returns the loss, or the logits in inference, as NumPy array.

    t        minicnn or torch
    device   "cpu" or "cuda"
    around   a function that gives the context in which it computes
    prepare  what makes the library's images of NumPy's
    """

    def __init__(self, t, model, images, labels, mode, device, around=nullcontext, prepare=lambda x: x):
        self.t, self.model, self.around = t, model.to(device), around
        self.x, self.labels = prepare(t.tensor(images)).to(device), t.tensor(labels).to(device)
        self.optimizer = t.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
        self.step = self.train if mode == "train" else self.infer
        model.train(mode == "train")

    def __call__(self):
        with self.around():
            return self.step()

    def train(self):
        self.optimizer.zero_grad()
        loss = self.t.nn.functional.cross_entropy(self.model(self.x), self.labels)
        loss.backward()
        self.optimizer.step()
        return np.asarray(loss.item())

    def infer(self):
        with self.t.no_grad():
            return self.model(self.x).cpu().numpy()

    def hold_still(self):
        """From now on the weights hardly move.

        After thousands of steps on the same images the gradients would be so small that processors compute with them slowly.
        """
        self.optimizer.param_groups[0]["lr"] = STILL


def batch(name, size):
    """Images (N, C, H, W) of noise and their labels (N,)."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((size, *NETWORKS[name].images), np.float32), rng.integers(0, 10, size)


def our_contender(name, size, mode, algorithm, device="cpu"):
    """minicnn, by one of the algorithms of `algorithms.py` (on a GPU there is one alone)."""
    import algorithms

    import minicnn

    minicnn.manual_seed(0)
    if device == "cuda":
        return Contender(minicnn, ours(name), *batch(name, size), mode, device)
    return Contender(minicnn, ours(name), *batch(name, size), mode, device, lambda: algorithms.using(algorithm),
                     prepare=lambda x: x.contiguous(memory_format=minicnn.channels_last))


def torch_contender(name, size, mode, layout, state=None, device="cpu"):
    """PyTorch in one of its two memory layouts, from given weights {name: NumPy array}; None: from its own. In float32 throughout."""
    import torch

    if device == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    layout = getattr(torch, LAYOUTS[layout])
    model = NETWORKS[name].build(torch)
    if state is not None:
        model.load_state_dict({key: torch.tensor(value) for key, value in state.items()})
    return Contender(torch, model.to(memory_format=layout), *batch(name, size), mode, device,
                     prepare=lambda x: x.contiguous(memory_format=layout))


def contenders(name, size, mode, kernels, with_torch, device="cpu"):
    """{name: Contender} of everything that is compared on one network, all from the same weights."""
    made = {label(algorithm): our_contender(name, size, mode, algorithm, device) for algorithm in kernels}
    if with_torch:
        state = {key: value.cpu().numpy() for key, value in made[label(kernels[0])].model.state_dict().items()}
        made |= {layout: torch_contender(name, size, mode, layout, state, device) for layout in LAYOUTS}
    return made


def label(algorithm):
    return "minicnn" if algorithm == "numba" else f"minicnn {algorithm}"


# The comparison --------------------------------------------------------------------------------------------------------------


def check_first_steps(steps, where, count=COMPARED_STEPS, tolerance=TOLERANCE):
    """{name: the largest relative difference from the first contender in any compared step}; the first step must agree."""
    outcomes = {name: [step() for _ in range(count)] for name, step in steps.items()}
    wanted = next(iter(outcomes.values()))
    found = {}
    for name, given in outcomes.items():
        differences = [float(abs(one - other).max() / max(abs(other).max(), 1e-30)) for one, other in zip(given, wanted)]
        if not differences[0] <= tolerance:
            raise SystemExit(f"{where}: {name} computes something else: after one step {np.ravel(given[0])[:5]}, "
                             f"not {np.ravel(wanted[0])[:5]}")
        found[name] = max(differences)
    return found


def timed(network, batch, steps, seconds, differences):
    """One row for each contender; they take turns for so many seconds."""
    times = take_turns(steps, seconds)
    return [{"network": network, "batch": batch, "contender": name, "median_ms": 1e3 * median(times[name]),
             "p20_ms": 1e3 * percentile_20(times[name]), "steps": len(times[name]), "difference": differences[name]} for name in steps]


def add_ratios(rows, to=tuple(LAYOUTS), **ratios):
    """To every row, its number over that of the best of some contenders, PyTorch's layouts unless said: `key="name of the ratio"`."""
    for key, ratio in ratios.items():
        best = min((row[key] for row in rows if row["contender"] in to), default=None)
        for row in rows:
            row[ratio] = row[key] / best if best else None


def each_network(measure, chosen, columns):
    """The rows of all networks and batches that were chosen; those of one, `measure(network, batch, chosen)`, are printed at once."""
    rows = []
    for batch in chosen.batch:
        for network in chosen.networks:
            rows += (found := measure(network, batch, chosen))
            print_table(columns, found)
            print(flush=True)
    return rows
