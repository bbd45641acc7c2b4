"""Times every class of convolution, in every pass, by every algorithm that minicnn has, beside PyTorch in its two layouts.

    python benchmarks/layers.py
    python benchmarks/layers.py --only 3x3 --passes y dw --batch 16 --seconds 2 --json layers.json --picture layers.png

The passes are y (the output), dx (the gradient of the input) and dw (that of the weights). GF/s counts the additions and
multiplications of the formula, 2·N·O·P·Q·(C/groups)·KH·KW, whatever an algorithm really does: Winograd's does less, and may come to
more than the peak. The peak is what the multipliers do with nothing else in their way, the best that was seen in turns with all the
rest (`peak.py`); the share of it is by 20th percentiles, the ratio to PyTorch's better layout by medians. `winograd` is listed where
it computes something else than `direct`.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from common import Column, make_parser, make_ready, median, parse, percentile_20, positive, print_table, take_turns, write_results

from minicnn import kernels, shapes

PASSES = ["y", "dx", "dw"]


class Layer(NamedTuple):
    """A convolution from `inputs` to `outputs` channels on square images."""

    group: str
    inputs: int
    outputs: int
    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def name(self):
        return f"{self.group}, {self.inputs}-{self.outputs} at {self.size}x{self.size}"


LAYERS = [
    Layer("3x3 first layer", 3, 32, 32, 3, padding=1), Layer("5x5 first layer", 1, 6, 28, 5, padding=2),
    Layer("11x11 stride 4", 3, 64, 64, 11, 4, 2), Layer("7x7 stride 2", 3, 64, 64, 7, 2, 3),
    Layer("3x3", 16, 16, 32, 3, padding=1), Layer("3x3", 32, 32, 32, 3, padding=1), Layer("3x3", 32, 32, 16, 3, padding=1),
    Layer("3x3", 64, 64, 16, 3, padding=1), Layer("3x3", 64, 64, 8, 3, padding=1), Layer("3x3", 128, 128, 8, 3, padding=1),
    Layer("3x3", 256, 256, 4, 3, padding=1),
    Layer("3x3 stride 2", 16, 32, 32, 3, 2, 1), Layer("3x3 stride 2", 32, 64, 16, 3, 2, 1),
    Layer("1x1", 192, 64, 28, 1), Layer("1x1", 64, 64, 16, 1), Layer("1x1 stride 2", 32, 64, 32, 1, 2),
    Layer("5x5", 6, 16, 14, 5), Layer("5x5", 16, 32, 28, 5, padding=2),
    Layer("3x3 dilated", 32, 32, 32, 3, padding=2, dilation=2), Layer("3x3 in 4 groups", 64, 64, 16, 3, padding=1, groups=4),
    Layer("3x3 depthwise", 64, 64, 16, 3, padding=1, groups=64), Layer("3x3 depthwise stride 2", 64, 64, 32, 3, 2, 1, groups=64),
]


class Case:
    """One layer's arrays, and for each pass the functions that compute it."""

    def __init__(self, layer, batch):
        rng = np.random.default_rng(0)
        x, w = (batch, layer.inputs, layer.size, layer.size), (layer.outputs, layer.inputs // layer.groups, layer.kernel, layer.kernel)
        self.layer, self.groups = layer, layer.groups
        self.window = shapes.conv2d_window(x, w, layer.stride, layer.padding, layer.dilation, layer.groups)
        self.x, self.w, self.dy = (rng.standard_normal(s, np.float32) for s in (x, w, (batch, layer.outputs, *self.window.output)))
        self.gflop = 2e-9 * self.dy.size * self.w[0].size

    def ours(self, which, algorithm):
        """The pass by one algorithm, on images that lie channels-last, as they do between layers."""
        import algorithms

        x, dy = (between_layers(a) for a in (self.x, self.dy))
        arguments = {"y": (x, self.w, None), "dx": (dy, self.w), "dw": (dy, x)}[which]
        function = {"y": "conv2d", "dx": "conv2d_dx", "dw": "conv2d_dw"}[which]

        def step():
            with algorithms.using(algorithm):
                return getattr(kernels.of(x), function)(*arguments, self.window, self.groups)
        return step

    def torch(self, which, layout):
        """The pass by PyTorch: its forward, or the one function that its autograd calls for the gradients."""
        import torch

        x, w, dy = (torch.tensor(a).contiguous(memory_format=getattr(torch, layout)) for a in (self.x, self.w, self.dy))
        stride, padding, dilation = ([n, n] for n in (self.layer.stride, self.layer.padding, self.layer.dilation))
        if which == "y":
            return partial(torch.nn.functional.conv2d, x, w, None, stride, padding, dilation, self.groups)
        return partial(torch.ops.aten.convolution_backward, dy, x, w, None, stride, padding, dilation, False, [0, 0], self.groups,
                       [which == "dx", which == "dw", False])


def between_layers(x):
    """The same images channels-last, beginning at a cache line: as the kernels leave them to each other, where Numba is there."""
    try:
        from minicnn.kernels.cpu import memory
    except ImportError:
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return memory.channels_first(memory.channels_last(x))


def steps(case, which, chosen):
    """{contender: function}, those of ours that compute something of their own."""
    from contenders import LAYOUTS

    found = {algorithm: case.ours(which, algorithm) for algorithm in chosen.algorithms}
    if {"direct", "winograd"} <= set(found) and np.array_equal(found["direct"](), found["winograd"]()):
        del found["winograd"]
    if chosen.against == "torch":
        found |= {name: case.torch(which, layout) for name, layout in LAYOUTS.items()}
    return found


COLUMNS = [
    Column("layer", "layer"), Column("pass", "pass"), Column("contender", "algorithm"), Column("median_ms", "median ms", "{:.3f}"),
    Column("p20_ms", "p20 ms", "{:.3f}"), Column("gflops", "GF/s", "{:.0f}"), Column("share", "of peak", "{:.0%}"),
    Column("ratio", "ratio", "{:.2f}"),
]


def compare(case, which, peak, chosen):
    """One row for each contender."""
    from contenders import add_ratios

    times = take_turns({"peak": peak} | steps(case, which, chosen), chosen.seconds)
    peak.saw(times.pop("peak"))
    rows = [{"layer": case.layer.name, "group": case.layer.group, "pass": which, "contender": name, "median_ms": 1e3 * median(found),
             "p20_ms": 1e3 * percentile_20(found), "gflops": case.gflop / median(found),
             "gflops_p20": case.gflop / percentile_20(found)} for name, found in times.items()]
    add_ratios(rows, median_ms="ratio")
    return rows


def add_shares(rows, peak):
    """To every row, its share of the best peak that was seen up to now."""
    for row in rows:
        row["peak_gflops"], row["share"] = peak.gflops, row["gflops_p20"] / peak.gflops


def draw(rows):
    """For each pass a panel, for each layer a line, for each algorithm a dot at its share of the peak."""
    from pictures import look, panels

    names, passes = (list(dict.fromkeys(row[key] for row in rows)) for key in ("layer", "pass"))
    figure, axes = panels(1, len(passes), 3.2 + 3 * len(passes), 1.6 + 0.3 * len(names), sharey=True, sharex=True)
    for panel, which in zip(axes, passes):
        for contender in dict.fromkeys(row["contender"] for row in rows):
            shown = [row for row in rows if row["pass"] == which and row["contender"] == contender]
            colour, _, marker = look(contender)
            panel.plot([row["share"] for row in shown], [names.index(row["layer"]) for row in shown], linestyle="none", marker=marker,
                       color=colour, markerfacecolor="none" if contender.startswith("PyTorch") else colour, markersize=6, alpha=0.9,
                       label=contender)
        panel.xaxis.set_major_formatter("{x:.0%}")
        panel.axvline(1, color="black", linewidth=1, zorder=0.9)
        panel.set(title=which, xlabel="share of the peak", xlim=(0, None))
        panel.margins(y=0.04)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=7)
    return figure


def options():
    import algorithms

    known = [name for name in algorithms.available() if name not in ("loops", "numba")]
    parser = make_parser(__doc__, seconds=1, threads=2, isa=True)
    parser.add_argument("--against", choices=["torch", "nothing"], default="torch")
    parser.add_argument("--only", nargs="+", metavar="CLASS", choices=sorted({layer.group for layer in LAYERS}),
                        help=f"some of: {', '.join(dict.fromkeys(layer.group for layer in LAYERS))}")
    parser.add_argument("--passes", nargs="+", choices=PASSES, default=PASSES)
    parser.add_argument("--algorithms", nargs="+", choices=known, default=known)
    parser.add_argument("--batch", type=positive, default=64)
    return parser


def main(arguments=None):
    chosen = parse(options(), arguments)
    make_ready(chosen, chosen.against == "torch")
    from peak import Peak

    peak, rows = Peak(chosen.threads), []
    for layer in LAYERS:
        if not chosen.only or layer.group in chosen.only:
            case, found = Case(layer, chosen.batch), []
            for which in chosen.passes:
                found += compare(case, which, peak, chosen)
            rows += found
            add_shares(rows, peak)
            print_table(COLUMNS, found)
            print(flush=True)
    print(f"peak: {peak.gflops:.0f} GF/s with {chosen.threads} threads")
    write_results("layers", chosen, COLUMNS, rows, draw)


if __name__ == "__main__":
    main()
