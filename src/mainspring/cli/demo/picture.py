"""The picture of an experiment: an SVG with bars, written by hand.

On the left the transfer time as a multiple of the quiet one, on the right the echo's 99th
percentile; one row for each way, in it a bar for each send buffer. Colours come from CSS
classes with a variant for dark readers, so the one file suits both. Invariant: every bar
carries its figure, so nothing has to be read off the axis.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from mainspring.cli.demo.experiment import CAP, SEND_BUFFERS, Cell, Experiment, size

WIDTH = 980
LEFT = 190
TOP = 118
ROW = 50
BAR = 17
RATIO_WIDTH = 340
GAP = 145
ECHO_WIDTH = 235
ECHO_LEFT = LEFT + RATIO_WIDTH + GAP

STYLE = """
  text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1f2430; }
  .paper { fill: #ffffff; }
  .title { font-size: 19px; font-weight: 600; }
  .quiet { fill: #5b6372; font-size: 12px; }
  .name { text-anchor: end; }
  .ours { font-weight: 700; }
  .tick { text-anchor: middle; }
  .grid { stroke: #d9dde5; }
  .base { stroke: #5b6372; stroke-dasharray: 4 3; }
  .first { fill: #4c86c6; }
  .second { fill: #d9822b; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e9f0; }
    .paper { fill: #14171f; }
    .quiet { fill: #a3abba; }
    .grid { stroke: #333a48; }
    .base { stroke: #a3abba; }
    .first { fill: #6ba5e6; }
    .second { fill: #f0a04b; }
  }
"""


@dataclass(frozen=True)
class Panel:
    """One of the two bar charts.

    Attributes:
        heading: what the bars show, with the unit.
        left: the x of its axis.
        width: the length of its axis.
        top_value: the value at the end of the axis.
        step: the distance of two grid lines, as a value.
        value: gives a cell's value.
        label: gives what is written beside a cell's bar.
        open_end: tells whether a cell's bar goes on beyond the axis.
    """

    heading: str
    left: float
    width: float
    top_value: float
    step: float
    value: Callable[[Cell], float]
    label: Callable[[Cell], str]
    open_end: Callable[[Cell], bool]

    def x(self, value: float) -> float:
        """Return the x of a value."""
        return self.left + self.width * min(value, self.top_value) / self.top_value


def round_step(highest: float, lines: int = 4) -> float:
    """Return a round step (1, 2 or 5 times a power of ten) for an axis up to `highest`.

    Args:
        highest: the largest value to show, above 0.
        lines: about how many steps there should be.
    """
    rough = highest / lines
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _panels(cells: Sequence[Cell]) -> tuple[Panel, Panel]:
    slowest = max(max(cell.busy.echo_p99_ms for cell in cells), 0.1)
    step = round_step(slowest)
    ratio = Panel(
        "Transfer time, as a multiple of the time without busy work",
        LEFT,
        RATIO_WIDTH,
        CAP,
        1,
        lambda cell: CAP if cell.ratio is None else cell.ratio,
        lambda cell: (
            f"> {CAP}x, {cell.share:.0%} sent" if cell.ratio is None else f"{cell.ratio:.2f}x"
        ),
        lambda cell: cell.ratio is None,
    )
    echo = Panel(
        "Echo meanwhile, 99th percentile in ms",
        ECHO_LEFT,
        ECHO_WIDTH,
        step * math.ceil(slowest / step),
        step,
        lambda cell: cell.busy.echo_p99_ms,
        lambda cell: f"{cell.busy.echo_p99_ms:.1f}",
        lambda cell: False,
    )
    return ratio, echo


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'


def _axis(panel: Panel, bottom: float) -> list[str]:
    parts = [_text(panel.left, TOP - 18, panel.heading, "heading")]
    for place in range(round(panel.top_value / panel.step) + 1):
        value = place * panel.step
        x = panel.x(value)
        kind = "base" if panel.left == LEFT and value == 1 else "grid"
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" class="{kind}"/>'
        )
        unit = "x" if panel.left == LEFT else ""
        parts.append(_text(x, bottom + 17, f"{value:g}{unit}", "quiet tick"))
    return parts


def _bar(panel: Panel, cell: Cell, y: float, kind: str) -> list[str]:
    end = max(panel.x(panel.value(cell)), panel.left + 2)
    middle = y + BAR / 2
    shape = f"M{panel.left:.1f} {y:.1f} H{end:.1f} "
    if panel.open_end(cell):
        shape += f"l9 {BAR / 2} l-9 {BAR / 2} "
        end += 9
    else:
        shape += f"v{BAR} "
    shape += f"H{panel.left:.1f} Z"
    return [
        f'<path d="{shape}" class="{kind}"/>',
        _text(end + 6, middle + 4.5, panel.label(cell), "label"),
    ]


def draw(experiment: Experiment) -> str:
    """Return the picture of an experiment as SVG (str).

    Args:
        experiment: what was measured, with at least one cell.

    Raises:
        ValueError: if there is no cell to draw.
    """
    cells = experiment.cells
    if not cells:
        raise ValueError("there is no cell to draw: every way was skipped or failed")
    # A dict keeps the order of the cells, which is the registry's.
    ways = list({cell.way.name: cell.way for cell in cells}.values())
    bottom = TOP + ROW * len(ways)
    height = bottom + 62
    title = "Sending beside busy Python work"
    summary = (
        f"{experiment.total / 1e6:.0f} MB to a receiver that reads 20 MB/s, while 5 ms chunks of"
        " busy work may run only when the socket isn't writable. Shorter is better."
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" class="paper"/>',
        _text(24, 36, title, "title"),
        _text(24, 60, summary, "quiet"),
    ]
    panels = _panels(cells)
    for panel in panels:
        parts += _axis(panel, bottom)
    for row, way in enumerate(ways):
        y = TOP + row * ROW + 6
        kind = "name ours" if way.ours else "name"
        parts.append(_text(LEFT - 12, y + BAR + 5, way.name, kind))
        for cell in cells:
            if cell.way.name == way.name:
                place = SEND_BUFFERS.index(cell.send_buffer)
                colour = ("first", "second")[place]
                for panel in panels:
                    parts += _bar(panel, cell, y + place * (BAR + 2), colour)
    for place, send_buffer in enumerate(SEND_BUFFERS):
        x = LEFT + 170 * place
        colour = ("first", "second")[place]
        parts.append(f'<rect x="{x}" y="{bottom + 34}" width="12" height="12" class="{colour}"/>')
        parts.append(_text(x + 18, bottom + 45, f"{size(send_buffer)} send buffer", "quiet"))
    parts.append("</svg>\n")
    return "\n".join(parts)
