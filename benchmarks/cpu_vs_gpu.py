"""Times training steps of minicnn on every device that there is, over sizes of the batch: where does the GPU overtake the CPU?

    python benchmarks/cpu_vs_gpu.py
    python benchmarks/cpu_vs_gpu.py --networks vgg11 mlp --batch 1 16 256 --seconds 3 --json gpu.json --picture gpu.png

The first step, in which kernels are compiled or loaded from disk, stands apart from those after it. Of these, the median: on the CPU by
the clock, on the GPU from event to event in the stream of its work, without waiting for it in between. Layers are timed in steps of
their own, in which every layer is waited for. Memory is that of all arrays at the most on the GPU, on the CPU of the whole process so
far. Without a GPU, the script says what is missing, and times the CPU. `minicnn bench` does the same for the named models.
"""

from common import Column, make_parser, parse, positive, print_table, set_threads, write_results
from networks import NETWORKS, ours

from minicnn import plot
from minicnn.models import devices

COLUMNS = [
    Column("model", "network"), Column("batch", "batch", "{:d}"), Column("device", "device"), Column("first", "first step s", "{:.2f}"),
    Column("step_ms", "step ms", "{:.2f}"), Column("images_per_second", "images/s", "{:,.0f}"),
    Column("ratio", "CPU's time over GPU's", "{:.2f}"), Column("memory", "memory MB", "{:,.0f}"),
]


def main(arguments=None):
    parser = make_parser(__doc__, seconds=1.0, threads=2)
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=["lenet5", "vgg_small", "resnet20"], metavar="NAME",
                        help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--batch", nargs="+", type=positive, default=[1, 16, 64, 256], help="images in a step")
    chosen = parse(parser, arguments)
    set_threads(chosen.threads, with_torch=False)
    places, reason = devices.available()
    print(f"No GPU is measured: {reason}" if reason else f"GPU: {devices.cuda.get_device_name()}")
    timings = {(name, batch, place): devices.measure_if_it_fits(name, ours(name), NETWORKS[name].images, batch, place, chosen.seconds)
               for name in chosen.networks for batch in sorted(chosen.batch) for place in places}
    for (name, batch, place) in (case for case, timing in timings.items() if timing is None):
        print(f"{name}, batch {batch}, {place}: not enough memory")
    timings = [timing for timing in timings.values() if timing]
    rows = table(timings)
    print_table(COLUMNS, rows)
    for name, batch in devices.overtaken(timings).items() if len(places) == 2 else ():
        print(f"{name}: the GPU is faster {f'from batch {batch} on' if batch else 'at none of these sizes of the batch'}")
    write_results("cpu_vs_gpu", chosen, COLUMNS, rows, plot.devices)


def table(timings):
    """A row for each Timing; the ratio stands in the GPU's."""
    on_cpu = {(t.model, t.batch): t.step for t in timings if t.device == "cpu"}
    return [{**t._asdict(), "step_ms": 1e3 * t.step, "images_per_second": t.images_per_second,
             "ratio": on_cpu[t.model, t.batch] / t.step if t.device == "cuda" and (t.model, t.batch) in on_cpu else None}
            for t in timings]


if __name__ == "__main__":
    main()
