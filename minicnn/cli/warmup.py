"""`minicnn warmup`: compile now what would else be compiled while the first network waits for it."""

import time

import click

from .. import kernels
from .show import make_console, make_table, show_table


@click.command(short_help="Compile the kernels for this CPU.")
@click.option("--dtype", type=click.Choice(["float32", "float64", "all"]), default="float32", show_default=True, help="For which numbers.")
@click.option("--verbose", is_flag=True, help="Print the seconds that each kernel took.")
def warmup(dtype, verbose):
    """Compile every kernel for this CPU, once: they are kept on disk, and training starts at once from then on.

    \b
    Examples:
      minicnn warmup
      minicnn warmup --dtype all --verbose
    """
    console = make_console()
    for name in ("float32", "float64") if dtype == "all" else (dtype,):
        with kernels.compiling.heard(Notice(console)):
            began = time.perf_counter()
            seconds = kernels.warmup(name)
            took = time.perf_counter() - began
        compiled = sum(map(bool, seconds.values()))
        console.print(f"{name}: {len(seconds)} kernels, {compiled} of them compiled just now, {took:.1f} s")
        if verbose:
            show_seconds(console, seconds)
    console.print(where_kept(), markup=False)


class Notice:
    """Says once that kernels are being compiled; `kernels.compiling.heard` calls it for each.

    then  a function to call after that: training has some compiled in another process
    """

    def __init__(self, console, then=lambda: None):
        self.console, self.then, self.said = console, then, False

    def __call__(self, name, seconds):
        if not self.said:
            self.said = True
            self.then()
            self.console.print(f"compiling kernels for this CPU, once; {where_kept()}", markup=False)


def where_kept():
    folder = kernels.folder()
    return f"kept in {folder}" if folder else "not kept, since no folder for them can be written to: set NUMBA_CACHE_DIR"


def show_seconds(console, seconds):
    """The kernels, the slowest to compile first."""
    table = make_table("kernel", "seconds>")
    for name, took in sorted(seconds.items(), key=lambda pair: -pair[1]):
        table.add_row(name, f"{took:.2f}" if took else "found")
    table.add_row("in all", f"{sum(seconds.values()):.2f}")
    show_table(console, table)
