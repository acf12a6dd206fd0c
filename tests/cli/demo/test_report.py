"""Table, chart, conclusion, JSON and picture, from figures that are given.

Invariant proved: each figure is shown as it was measured, a capped one as '> 4x'.
"""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from mainspring.cli.demo.experiment import Cell
from mainspring.cli.demo.picture import draw, round_step
from mainspring.cli.demo.report import as_json, chart, conclusion, disturbance, table
from tests.cli.demo.measurements import cell, experiment

LARGE, SMALL = 65536, 8192
FAST = cell("mainspring-callbacks", LARGE, 2.04)
SLOW = cell("select", SMALL, 5.0, early=40)
CAPPED = cell("asyncio", SMALL, 8.0, received=34, early=90)


def test_the_ratio_is_the_busy_time_over_the_quiet_time() -> None:
    assert FAST.ratio == pytest.approx(1.02)


def test_a_capped_cell_has_no_ratio_but_the_share_that_came() -> None:
    assert CAPPED.ratio is None
    assert CAPPED.share == pytest.approx(0.34)


def test_the_work_is_measured_against_the_time_that_sending_leaves() -> None:
    # 100 chunks of 5 ms. Sending takes 0.4 s in the quiet run; the capped one did 34 % of that.
    assert SLOW.work == pytest.approx(0.5 / (5.0 - 0.4))
    assert CAPPED.work == pytest.approx(0.5 / (8.0 - 0.34 * 0.4))


def test_the_table_has_a_line_for_each_cell_below_its_heading() -> None:
    lines = table([FAST, CAPPED]).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("way")
    assert "1.02x" in lines[2]
    assert lines[3].split()[4:8] == ["8.00", ">", "4x", "34%"]
    assert lines[3].split()[-2:] == ["90", "6%"]


def test_the_columns_of_the_table_are_aligned() -> None:
    lines = table([FAST, SLOW, CAPPED]).splitlines()[:-1]
    assert len({len(line) for line in lines}) == 1


def test_a_bar_of_the_chart_is_as_long_as_its_ratio() -> None:
    bars = [line.count("█") for line in chart([FAST, SLOW, CAPPED]).splitlines()]
    assert bars == [0, 10, 0, 25, 40]


def test_a_capped_bar_of_the_chart_goes_on_beyond_its_end() -> None:
    assert "█▶ > 4x" in chart([CAPPED])


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([FAST], "With 64 KiB of send buffer no way was slowed down by the busy work."),
        ([SLOW], "With 8 KiB of send buffer every way was slowed down, by 2.5x."),
        ([CAPPED], "With 8 KiB of send buffer every way was slowed down, by more than 4x."),
        (
            [SLOW, CAPPED],
            "With 8 KiB of send buffer every way was slowed down, by 2.5x to more than 4x.",
        ),
        (
            [cell("uvloop", SMALL, 2.0), SLOW],
            "With 8 KiB of send buffer 1 of 2 ways were slowed down (select), by 2.5x.",
        ),
    ],
)
def test_the_conclusion_says_which_ways_were_slowed_down(cells: list[Cell], sentence: str) -> None:
    assert conclusion(experiment(*cells)).startswith(sentence)


def test_the_conclusion_compares_mainspring_with_the_others() -> None:
    text = conclusion(experiment(FAST, SLOW))
    assert "Mainspring began 0% of the busy chunks while the socket was writable" in text
    assert "the others began 40%" in text


def test_without_figures_the_conclusion_claims_nothing() -> None:
    assert conclusion(experiment()) == "Nothing was measured. There is nothing to conclude."


def test_chunks_of_the_expected_length_give_no_warning() -> None:
    assert disturbance(experiment(FAST)) is None


def test_chunks_that_took_much_longer_give_a_warning() -> None:
    slow = replace(FAST, busy=replace(FAST.busy, chunk_ms=11.0))
    warning = disturbance(experiment(slow))
    assert warning is not None
    assert "11.0 ms instead of 5" in warning


def test_the_json_holds_every_figure_and_can_be_read_back() -> None:
    read = json.loads(json.dumps(as_json(experiment(FAST, CAPPED))))
    assert [entry["ratio"] for entry in read["cells"]] == [pytest.approx(1.02), None]
    assert read["cells"][1]["busy"]["chunks_begun_writable"] == 90
    assert read["cells"][1]["capped"] is True


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.text]


def test_the_picture_is_well_formed_and_labels_every_bar() -> None:
    labels = texts(draw(experiment(FAST, SLOW, CAPPED)))
    assert {"1.02x", "2.50x", "> 4x, 34% sent"} <= set(labels)
    assert labels.count("7.5") == 3


def test_the_picture_has_colours_for_dark_readers() -> None:
    assert "prefers-color-scheme: dark" in draw(experiment(FAST))


def test_a_picture_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no cell to draw"):
        draw(experiment())


@pytest.mark.parametrize(("highest", "step"), [(4, 1), (13, 5), (40, 10), (0.7, 0.2), (81, 50)])
def test_the_steps_of_an_axis_are_round(highest: float, step: float) -> None:
    assert round_step(highest) == pytest.approx(step)
