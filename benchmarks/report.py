"""Turns the JSON files of the benchmarks into Markdown tables, each with the machine that it was measured on.

    python benchmarks/report.py steps.json layers.json > figures.md
    python benchmarks/report.py steps.json --where contender=minicnn --columns network batch median_ms ratio
"""

import argparse
import json
from pathlib import Path

from common import Column


def markdown(columns, rows):
    """A table; numbers to the right. What stands in the line above is not repeated in the first columns."""
    yield "| " + " | ".join(column.heading for column in columns) + " |"
    yield "| " + " | ".join(":--" if column.form == "{}" else "--:" for column in columns) + " |"
    above = []
    for row in rows:
        cells = [column.text(row) for column in columns]
        same = next((place for place, pair in enumerate(zip(cells, above)) if pair[0] != pair[1]), 0)
        yield "| " + " | ".join("" if place < same else cell for place, cell in enumerate(cells)) + " |"
        above = cells


def machine_line(machine):
    """One sentence: processor, cores, vectors, versions, date."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version and name != "llvmlite")
    vectors = machine["vectors"].get("minicnn_bytes")
    return (f"{machine['cpu']}, {machine['cores']} cores{f', vectors of {vectors} bytes' if vectors else ''}, "
            f"{machine['minicnn_threads']} threads; Python {machine['python']}, {versions}; {machine['date']}.")


def report(content, where, wanted):
    """The lines for one file."""
    columns = [Column(**column) for column in content["columns"] if not wanted or column["key"] in wanted]
    rows = [row for row in content["rows"] if all(str(row.get(key)) in values for key, values in where.items())]
    details = [f"{name} {value}" for name in ("mode", "isa") if (value := content["settings"].get(name))]
    yield f"**{content['benchmark']}**{' (' + ', '.join(details) + ')' if details else ''}"
    yield ""
    yield from markdown(columns, rows)
    yield ""
    yield machine_line(content["machine"])
    yield ""


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--columns", nargs="+", default=[], metavar="KEY", help="only these, by their keys in the file")
    parser.add_argument("--where", nargs="+", default=[], metavar="KEY=VALUE", help="only rows with this value, or one of these")
    chosen = parser.parse_args(arguments)
    where = {}
    for condition in chosen.where:
        key, value = condition.split("=", 1)
        where.setdefault(key, []).append(value)
    for path in chosen.files:
        print("\n".join(report(json.loads(path.read_text(encoding="utf-8")), where, chosen.columns)))


if __name__ == "__main__":
    main()
