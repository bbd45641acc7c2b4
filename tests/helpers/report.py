"""The command line that the scripts over PyTorch's sample tables share."""

import argparse
from collections import Counter


def report(doc, words, entries, run, title):
    """Run the named entries, print a line for each and the totals; 1 if a sample failed, else 0."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"names of {words}; none: all that minicnn has")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    options = parser.parse_args()
    total = Counter()
    for info in entries(options.names):
        counts = run(info, options.verbose)
        total += counts
        print(f"{title(info):45} " + "  ".join(f"{k} {v}" for k, v in sorted(counts.items())))
    print("total", dict(total))
    return 1 if total["failed"] else 0
