"""Figures by case and label, and their bars: as they are, or relative to one label for one axis."""

from collections.abc import Callable, Mapping

from benchmarks.figures import Series, number, present
from benchmarks.svg import Bar

Rows = dict[str, list[float | None]]


def by_case(flat: Mapping[str, list[float | None]]) -> dict[str, Rows]:
    """Returns the rows of `interleave`, labelled "case/label", as case -> label -> values."""
    values: dict[str, Rows] = {}
    for name, row in flat.items():
        case, _, label = name.partition("/")
        values.setdefault(case, {})[label] = row
    return values


def median_bars(rows: Mapping[str, list[float | None]], unit: str) -> list[Bar]:
    """Returns a bar for each label that has values: their median, from the lowest to the highest.

    Args:
        rows: label -> one value per round.
        unit: what stands behind the number.
    """
    series = Series(rows)
    bars = []
    for label, row in rows.items():
        if found := present(row):
            middle = series.median(label) or 0.0
            bars.append(Bar(label, middle, min(found), max(found), f"{number(middle)}{unit}"))
    return bars


def relative_groups(
    values: Mapping[str, Rows], base: str, name: Callable[[str], tuple[str, str]]
) -> list[tuple[str, list[Bar]]]:
    """Returns a chart's groups: each case's figures relative to those of one label.

    Args:
        values: case -> label -> one value per round.
        base: the label that the others are compared with.
        name: gives a case's title, and its unit.
    """
    groups = []
    for case, rows in values.items():
        series = Series(rows)
        title, unit = name(case)
        bars = []
        for label, row in rows.items():
            found = present(series.ratios(label, base))
            middle = Series({label: found}).median(label) if found else None
            if middle is None or not present(row):
                continue
            text = f"{middle:.2f} ({number(series.median(label) or 0)} {unit})"
            bars.append(Bar(label, middle, min(found), max(found), text))
        if bars:
            groups.append((title, bars))
    return groups
