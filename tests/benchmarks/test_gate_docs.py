"""The tables of docs/reference/gate.md, from figures that are given."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.busy import key


def figures(python, rate, control):
    """Returns what a run of `gate` with one case and one connection gives."""
    cells = {"mainspring": rate, "asyncio": control}
    return {
        "command": "gate",
        "python": python,
        "cases": ["2 busy, 1 idle, nice 0"],
        "connections": [1],
        "seconds": 1.0,
        "rounds": 2,
        "rate": 0,
        "one_core": False,
        "pinned": True,
        "versions": dict.fromkeys(cells, "1"),
        "values": {
            "requests_per_s": {
                key("2 busy, 1 idle, nice 0", loop, 1): row for loop, row in cells.items()
            }
        },
    }


def written(folder, *results):
    paths = []
    for number, result in enumerate(results):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(result))
    return [str(path) for path in paths]


def test_each_interpreter_has_a_column_with_its_ratio_to_asyncio(tmp_path, capsys):
    paths = written(
        tmp_path,
        figures("3.12.1", [9000.0, 11000.0], [90.0, 100.0]),
        figures("3.13.0", [5000.0, 7000.0], [None, 100.0]),
    )
    assert main(["gate", "--docs", *paths]) == 0
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("|")
    ]
    assert lines[0] == ["requests/s", "CPython 3.12.1", "CPython 3.13.0"]
    assert lines[2] == [
        "2 busy, 1 idle, nice 0",
        "10,000, 105x (100..110)",
        "6,000, 70.0x (70.0..70.0)",
    ]
    # Nothing was measured of p99.
    assert lines[5][1:] == ["-", "-"]


@pytest.mark.parametrize("text", ["", "{}", '{"command": "echo", "python": "3"}'])
def test_what_is_no_run_of_the_gate_is_refused_by_name(tmp_path, capsys, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    assert main(["gate", "--docs", str(path)]) == 1
    assert str(path) in capsys.readouterr().err
