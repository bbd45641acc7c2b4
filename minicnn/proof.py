"""`python -m minicnn.proof`: every operation and optimizer against its definition, differences and laws, and every mutant planted.

Prints one line for each operation: how many configurations were tried, how many numbers compared, how far off the worst was, and how
many of the classic mistakes in `exercises/mutants` the checks noticed. Exit status 1 if a check fails or a mutant survives.
"""

import argparse
import sys
from math import isnan
from pathlib import Path
from typing import NamedTuple

from .autograd.gradcheck import GradcheckError
from .exercises import cases, checks, mutants

MARKER = "<!-- proof -->"       # the table in README.md stands between two of these
TITLES = ("operation", "configurations", "elements", "against definition", "against differences", "mutants killed")
WIDTHS = (34, 14, 8, 18, 19, 14)


class Row(NamedTuple):
    """What was found out about one operation, or about several."""

    operation: str
    configurations: int
    measured: checks.Measured
    mutants: int
    survivors: list             # the mutants that no check noticed
    failures: list              # sentences: where a check fails although nothing was planted

    def __add__(self, other):
        return Row(self.operation, *(mine + theirs for mine, theirs in zip(self[1:], other[1:])))


def prove(operation):
    """The row of one operation."""
    configurations, planted = cases.of(operation), mutants.of(operation)
    measured = sum(map(checks.measure, configurations), checks.NOTHING)
    survivors = [mutant for mutant in planted if checks.caught(mutant) is None]
    return Row(operation, len(configurations), measured, len(planted), survivors, failures(configurations))


def failures(configurations):
    """A sentence for every check that fails."""
    found = []
    for case in configurations:
        for check in checks.CHECKS.values():
            try:
                check(case)
            except GradcheckError as error:
                found.append(f"{case.operation}, {case.label}: {error}")
    return found


# The table ---------------------------------------------------------------------------------------------------------------


def bound(error, least):
    """An error as a power of 1000 above `least` that is at least ten times larger, or a dash where nothing was compared.

    Rounding errors differ from machine to machine by a factor of 2 or 3; so coarse a bound does not, and the table can be compared.
    """
    if isnan(error):
        return "–"
    while least < 10 * error:
        least *= 1000
    return f"< {least:.0e}"


def cells(row):
    """The row's texts, in the order of TITLES."""
    killed = row.mutants - len(row.survivors)
    return (row.operation, str(row.configurations), f"{row.measured.elements:,}", bound(row.measured.definition, 1e-12),
            bound(row.measured.differences, 1e-7), f"{killed} of {row.mutants}")


def text_line(texts):
    """The first column to the left, the numbers to the right."""
    return texts[0].ljust(WIDTHS[0]) + "".join(f"  {text:>{width}}" for text, width in zip(texts[1:], WIDTHS[1:]))


def markdown_line(texts):
    return f"| {' | '.join(texts)} |"


def table(rows, markdown=False):
    """The table's lines, each as soon as its row is there: `rows` may be a generator. Returns the total."""
    line = markdown_line if markdown else text_line
    yield line(TITLES)
    yield line([":--", *["--:"] * 5] if markdown else ["-" * width for width in WIDTHS])
    total = Row("in all", 0, checks.NOTHING, 0, [], [])
    for row in rows:
        total += row
        yield line(cells(row))
    yield line(cells(total))
    return total


def with_table(text, lines):
    """A README's text with the table between its two markers replaced by these lines."""
    before, _, after = text.split(MARKER)
    return "".join((before, MARKER, "\n\n", *(f"{line}\n" for line in lines), "\n", MARKER, after))


# The command -------------------------------------------------------------------------------------------------------------


def main(arguments=None):
    """Print the table, or write it into a file; returns the exit status."""
    options = _options(arguments)
    rows, shown = map(prove, options.operations or cases.operations()), []
    total = _run(table(rows, options.markdown or options.write), shown.append if options.write else _tell)
    if options.write:
        path = Path(options.write)
        path.write_text(with_table(path.read_text(encoding="utf-8"), shown), encoding="utf-8")
    for mutant in total.survivors:
        _tell(f"survived: {mutant} ({mutant.part}): {mutant.says}")
    for sentence in total.failures:
        _tell(f"failed: {sentence}")
    return 1 if total.survivors or total.failures else 0


def _options(arguments):
    parser = argparse.ArgumentParser("python -m minicnn.proof", description="Prove every gradient, and plant every classic mistake.")
    parser.add_argument("operations", nargs="*", metavar="operation", help="only these: conv2d, Adam, ...")
    parser.add_argument("--markdown", action="store_true", help="print the table as it stands in the README")
    parser.add_argument("--write", metavar="FILE", help=f"write the table into FILE, between its two markers {MARKER}")
    options = parser.parse_args(arguments)
    unknown = set(options.operations) - set(cases.operations())
    if unknown:
        parser.error(f"no operation called {', '.join(sorted(unknown))}; there are {', '.join(cases.operations())}")
    return options


def _run(lines, tell):
    """Tell each of a generator's lines; what the generator returns."""
    while True:
        try:
            tell(next(lines))
        except StopIteration as end:
            return end.value


def _tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
