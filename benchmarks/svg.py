"""Bar charts as SVG, written by hand so that the benchmarks need nothing but Python.

The invariant: a chart shows the spread as well as the median. Each bar ends at the median and
carries a whisker from the lowest to the highest round, and its figure stands beside it in text,
so that nothing has to be read off an axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH = 760
LABEL = 130
VALUE = 130
BAR = 18
GAP = 6
GROUP_GAP = 16
HEAD = 58
OURS = "#1f6f5c"
REFERENCE = "#9aa5ab"
OTHERS = ("#6b8fb5", "#8aa8c7", "#a9c0d8", "#c5d5e5")


@dataclass(frozen=True)
class Bar:
    """One bar: a median with the lowest and highest value of its rounds."""

    label: str
    median: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart of groups of bars; `name` is its file's name without the suffix."""

    name: str
    title: str
    note: str
    groups: Sequence[tuple[str, Sequence[Bar]]] = field(default_factory=list)


def _colour(label: str, seen: dict[str, str]) -> str:
    if label.startswith("mainspring"):
        return OURS
    if label == "C":
        return REFERENCE
    return seen.setdefault(label, OTHERS[len(seen) % len(OTHERS)])


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{style}>{escape(text)}</text>'


def _whisker(bar: Bar, y: float, scale: float) -> str:
    low, high, middle = LABEL + bar.low * scale, LABEL + bar.high * scale, y + BAR / 2
    return (
        f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - 4:.1f}v8'
        f'M{high:.1f} {middle - 4:.1f}v8" stroke="#333" fill="none"/>'
    )


def draw(chart: Chart) -> str:
    """Draws a chart.

    Args:
        chart: the bars; values are 0 or more.

    Returns:
        The SVG file's text.
    """
    longest = max((bar.high for _, bars in chart.groups for bar in bars), default=1.0) or 1.0
    scale = (WIDTH - LABEL - VALUE) / longest
    seen: dict[str, str] = {}
    parts = [
        _text(12, 24, chart.title, ' font-size="16" font-weight="bold"'),
        _text(12, 44, chart.note, ' fill="#555"'),
    ]
    y = float(HEAD)
    for name, bars in chart.groups:
        if name:
            parts.append(_text(12, y + 13, name, ' font-weight="bold"'))
            y += BAR + 2
        for bar in bars:
            parts.append(_text(12, y + 13, bar.label))
            colour = _colour(bar.label, seen)
            parts.append(
                f'<rect x="{LABEL}" y="{y:.1f}" width="{bar.median * scale:.1f}" '
                f'height="{BAR}" fill="{colour}"/>'
            )
            if bar.high > bar.low:
                parts.append(_whisker(bar, y, scale))
            end = LABEL + max(bar.median, bar.high) * scale
            parts.append(_text(end + 8, y + 13, bar.text))
            y += BAR + GAP
        y += GROUP_GAP
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" '
        f'width="{WIDTH}" height="{y:.0f}" font-family="sans-serif" font-size="12" fill="#222">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )
