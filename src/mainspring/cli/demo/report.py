"""What is said about an experiment at its end: table, terminal chart, conclusion, JSON.

Invariant: each is made from the figures alone, the conclusion too; it says what was
measured, whichever way it went.
"""

import platform
from collections.abc import Sequence
from typing import Any

from mainspring.cli.demo.cell import RATE
from mainspring.cli.demo.experiment import CAP, SEND_BUFFERS, Cell, Experiment, size
from mainspring.cli.demo.progress import ratio_text
from mainspring.cli.demo.work import CHUNK_SECONDS

HEADINGS = (
    "way",
    "buffer",
    "quiet s",
    "busy s",
    "ratio",
    "sent",
    "p50 ms",
    "p99 ms",
    "chunks",
    "early",
    "work",
)
LEGEND = (
    "p50, p99: the echo's latency. early: chunks begun while the socket was writable."
    " work: share of the time left."
)
CHART_WIDTH = 40
UNHINDERED = 1.2
"""Up to this ratio a transfer counts as not slowed down: below it is the machine's noise."""


def table(cells: Sequence[Cell]) -> str:
    """Return the figures as a table of text, columns aligned, with a legend (str)."""
    rows = [HEADINGS] + [
        (
            cell.way.name,
            size(cell.send_buffer),
            f"{cell.quiet.seconds:.2f}",
            f"{cell.busy.seconds:.2f}",
            f"> {CAP}x" if cell.ratio is None else f"{cell.ratio:.2f}x",
            f"{cell.share:.0%}",
            f"{cell.busy.echo_p50_ms:.2f}",
            f"{cell.busy.echo_p99_ms:.2f}",
            str(cell.busy.chunks),
            str(cell.busy.chunks_begun_writable),
            f"{cell.work:.0%}",
        )
        for cell in cells
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            text.ljust(width) if place < 2 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines.append(LEGEND)
    return "\n".join(lines)


def chart(cells: Sequence[Cell]) -> str:
    """Return the ratios as bars of text, one group for each send buffer (str)."""
    name_width = max((len(cell.way.name) for cell in cells), default=0)
    lines: list[str] = []
    for send_buffer in SEND_BUFFERS:
        group = [cell for cell in cells if cell.send_buffer == send_buffer]
        if group:
            lines += [
                f"Transfer time beside busy work, {size(send_buffer)} send buffer (1x: quiet)"
            ]
        for cell in group:
            ratio = CAP if cell.ratio is None else min(cell.ratio, CAP)
            bar = "█" * max(1, round(ratio / CAP * CHART_WIDTH))
            end = "▶" if cell.ratio is None else ""
            lines.append(f"  {cell.way.name:<{name_width}}  {bar}{end} {ratio_text(cell)}")
    return "\n".join(lines)


def conclusion(experiment: Experiment) -> str:
    """Return what the figures say, in two sentences (str)."""
    cells = experiment.cells
    if not cells:
        return "Nothing was measured. There is nothing to conclude."
    return f"{_transfer_sentence(cells)} {_echo_sentence(cells)}"


def _transfer_sentence(cells: Sequence[Cell]) -> str:
    parts = []
    for send_buffer in SEND_BUFFERS:
        group = [cell for cell in cells if cell.send_buffer == send_buffer]
        if not group:
            continue
        slow = [cell for cell in group if cell.ratio is None or cell.ratio > UNHINDERED]
        if not slow:
            what = "no way was slowed down by the busy work"
        elif len(slow) == len(group):
            what = f"every way was slowed down, by {_span(slow)}"
        else:
            names = ", ".join(cell.way.name for cell in slow)
            what = f"{len(slow)} of {len(group)} ways were slowed down ({names}), by {_span(slow)}"
        parts.append(f"with {size(send_buffer)} of send buffer {what}")
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _span(cells: Sequence[Cell]) -> str:
    ratios = sorted(cell.ratio for cell in cells if cell.ratio is not None)
    if not ratios:
        return f"more than {CAP}x"
    least = f"{ratios[0]:.1f}x"
    most = f"more than {CAP}x" if len(ratios) < len(cells) else f"{ratios[-1]:.1f}x"
    return least if least == most else f"{least} to {most}"


def _echo_sentence(cells: Sequence[Cell]) -> str:
    ours = [cell for cell in cells if cell.way.ours]
    peers = [cell for cell in cells if not cell.way.ours]
    parts = [
        _idle_part(name, group)
        for name, group in (("Mainspring", ours), ("the others", peers))
        if group
    ]
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _idle_part(name: str, cells: Sequence[Cell]) -> str:
    chunks = sum(cell.busy.chunks for cell in cells)
    early = sum(cell.busy.chunks_begun_writable for cell in cells)
    worst = max(cell.busy.echo_p99_ms for cell in cells)
    share = early / chunks if chunks else 0.0
    return (
        f"{name} began {share:.0%} of the busy chunks while the socket was writable,"
        f" with an echo p99 of at most {worst:.1f} ms"
    )


def disturbance(experiment: Experiment) -> str | None:
    """Return a warning (str) if the chunks didn't take what was calibrated, else None."""
    lengths = [cell.busy.chunk_ms for cell in experiment.cells if cell.busy.chunks]
    expected = CHUNK_SECONDS * 1000
    if not lengths or (min(lengths) > 0.7 * expected and max(lengths) < 1.4 * expected):
        return None
    return (
        f"Busy chunks took {min(lengths):.1f} to {max(lengths):.1f} ms instead of {expected:.0f}:"
        " something else used the processor, so run the demo again on a quiet machine."
    )


def as_json(experiment: Experiment) -> dict[str, Any]:
    """Return the experiment as what `json.dumps` takes, with all units in the names."""
    return {
        "format": 1,
        "python": platform.python_version(),
        "quick": experiment.quick,
        "bytes_per_run": experiment.total,
        "receiver_bytes_per_s": RATE,
        "cap": CAP,
        "cells": [
            {
                "way": cell.way.name,
                "model": cell.way.model,
                "send_buffer": cell.send_buffer,
                "ratio": cell.ratio,
                "capped": cell.busy.capped,
                "work": cell.work,
                "quiet": vars(cell.quiet),
                "busy": vars(cell.busy),
            }
            for cell in experiment.cells
        ],
        "skipped": experiment.skipped,
        "failed": experiment.failed,
        "warning": disturbance(experiment),
        "conclusion": conclusion(experiment),
    }
