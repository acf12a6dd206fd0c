"""Whatever the system's calls do that they may do: data arrives whole, and nothing is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compiler import find_compiler

from .interpose import Ways, build
from .scenarios import ANYWHERE, OURS_ONLY

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    if find_compiler() is None:
        pytest.skip("there is no C compiler here")
    return build(tmp_path_factory.mktemp("interpose"))


@pytest.fixture
def child(library):
    """Runs the child's program with some arguments; fails with what it said if it fails."""

    def run(*arguments):
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        found = subprocess.run(
            [sys.executable, "-m", "tests.syscalls.child", *arguments],
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert found.returncode == 0, f"{found.stdout[-1000:]}\n{found.stderr[-3000:]}"
        assert found.stdout.endswith("done\n")

    return run


@pytest.mark.parametrize("ways", ["INTERRUPTED", "SHORTENED", "SPURIOUS", "ALL"])
@pytest.mark.parametrize("loop", ["asyncio", "mainspring"])
def test_data_arrives_whole_although_calls_are_disturbed(child, loop, ways):
    assert ways in Ways.__members__
    child("disturb", loop, ways)


@pytest.mark.parametrize("scenario", [*ANYWHERE, *OURS_ONLY])
def test_a_call_that_fails_for_good_is_an_error_and_leaves_nothing_behind(child, scenario):
    child("fail", scenario)
