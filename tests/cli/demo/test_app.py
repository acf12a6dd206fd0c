"""The demo's command line, as a user runs it.

Invariant proved: mistakes are one sentence and exit 2, Ctrl-C leaves nothing behind.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import mainspring
from mainspring.cli.demo import main

SOURCE = str(Path(mainspring.__file__).parent.parent)
COMMAND = [sys.executable, "-m", "mainspring.cli.demo"]
ENVIRONMENT = os.environ | {"PYTHONPATH": SOURCE}


def test_the_ways_are_listed_with_their_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert "select                   a loop around poll()" in printed


def test_an_unknown_way_exits_with_2_and_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "twist"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mainspring demo: no way is called 'twist': choose from thread")
    assert error.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["--output", str(tmp_path / "file" / "folder")]) == 2
    captured = capsys.readouterr()
    assert "Not a directory" in captured.err
    assert captured.out == ""


def test_a_json_file_that_cannot_be_written_is_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "nowhere" / "figures.json")
    assert main(["--output", str(tmp_path), "--json", target]) == 2
    captured = capsys.readouterr()
    assert target in captured.err
    assert captured.out == ""


def test_a_quick_demo_gives_only_json_on_standard_output_and_a_picture(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--quick", "--only", "select", "--json", "-", "--output", str(tmp_path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert [cell["send_buffer"] for cell in figures["cells"]] == [65536, 8192]
    assert all(cell["busy"]["chunks"] > 0 for cell in figures["cells"])
    assert (tmp_path / "demo.svg").read_text().startswith("<svg")
    assert figures["conclusion"] in done.stderr


def test_ctrl_c_ends_the_children_and_exits_with_130(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*COMMAND, "--quick", "--only", "select", "--output", str(tmp_path)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    # The first cell is measured, so the processes of the second are about to run.
    assert demo.stdout.readline().startswith("[2/4] select")
    os.killpg(demo.pid, signal.SIGINT)
    _, error = demo.communicate()
    assert demo.returncode == 130
    assert error == "\nmainspring demo: interrupted, nothing is left running\n"
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)
