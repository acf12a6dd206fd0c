"""Writes the README's table of loops and Pythons from the results of scored loops.

    python -m tests.conformance.table [--into README.md] RESULT.json ...

A result is what `python -m tests.conformance --json FILE` wrote. With `--into`, the table replaces
what stands between the two marks in that file; without, it is printed. A cell is the number of
tests that the loop passes; what it isn't held to (its `inapplicable` entries) is told apart.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"
# The first module of MODULE:FACTORY, as the project calls itself; others go by their own name.
NAMES = {"mainspring": "Mainspring"}
ORDER = ("asyncio", "Mainspring", "uvloop", "rloop", "zuvloop")


def loop_name(spec: str) -> str:
    """Returns what a reader knows the loop MODULE:FACTORY by."""
    module = spec.partition(":")[0].partition(".")[0]
    return NAMES.get(module, module)


def cell(result: dict[str, Any]) -> str:
    """Returns how many tests a loop passed, and how many can't be asked of it."""
    count = Counter(test["verdict"] for test in result["tests"].values())
    inapplicable = count["inapplicable"]
    return str(count["passed"]) + (f" (+{inapplicable} inapplicable)" if inapplicable else "")


def table(results: Iterable[dict[str, Any]]) -> str:
    """Returns a Markdown table: a row for each Python, a column for each loop.

    Raises:
        ValueError: two results are of the same loop on the same Python, or of different tests.
    """
    cells: dict[tuple[str, str], str] = {}
    sizes: dict[str, int] = {}
    for result in results:
        key = result["python"], loop_name(result["loop"])
        if key in cells:
            raise ValueError(f"two results are of {key[1]} on {key[0]}")
        cells[key] = cell(result)
        if sizes.setdefault(key[0], len(result["tests"])) != len(result["tests"]):
            raise ValueError(f"the results on {key[0]} are not of the same tests")
    found = {name for _, name in cells}
    loops = [name for name in ORDER if name in found] + sorted(found - set(ORDER))
    pythons = sorted(sizes, key=lambda python: [int(part) for part in python.split(".")])
    lines = [
        "| CPython | tests | " + " | ".join(loops) + " |",
        "| --- |" + " ---: |" * (len(loops) + 1),
    ]
    for python in pythons:
        row = [cells.get((python, name), "") for name in loops]
        lines.append(f"| {python} | {sizes[python]} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def replace(text: str, made: str) -> str:
    """Returns a document with the table between its marks replaced.

    Raises:
        ValueError: the document lacks a mark.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the marks {BEGIN} and {END} are not there")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.conformance.table", description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULT.json")
    parser.add_argument("--into", type=Path, metavar="FILE", help="the document to write it into")
    options = parser.parse_args(arguments)
    made = table(json.loads(path.read_text()) for path in options.results)
    if options.into is None:
        print(made)
    else:
        options.into.write_text(replace(options.into.read_text(), made))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
