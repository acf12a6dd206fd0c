"""`FilesSuite`: a library's own tests that it ships inside its package, a process for each file.

The files that run side by side are as many as there are cores.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .suite import HOME, ROOT, Suite, SuiteError, read_outcomes, run_command

SECONDS_A_FILE = 120.0


class FilesSuite(Suite):
    """Tests by files; a file that has none passes if it ends well.

    A subclass says which files there are, and by which program one is run.
    """

    # What is run with the name of a file, and the file of its outcomes.
    program: Path
    # The variable that names the loop to that.
    variable: str

    def files(self) -> list[str]:
        """Lists the names of the files of tests.

        Raises:
            SuiteError: there is none.
        """
        raise NotImplementedError

    def find(self, *patterns: str) -> list[str]:
        """Lists the modules that match patterns, relative to the environment's packages.

        Raises:
            SuiteError: there is none.
        """
        found: list[str] = []
        for packages in self.python.parents[1].glob("lib/python*/site-packages"):
            for pattern in patterns:
                for path in packages.glob(pattern):
                    found.append(".".join(path.relative_to(packages).with_suffix("").parts))
        if not found:
            raise SuiteError(f"{self.name} in {self.python.parents[1]} has no tests")
        return sorted(found)

    def prepare(self) -> None:
        """Installs the library, unless that was done before.

        Raises:
            SuiteError: the index doesn't have it.
        """
        done = HOME / self.name / "prepared"
        if done.exists():
            return
        run_command([sys.executable, "-m", "venv", "--clear", str(self.python.parents[1])])
        pip = [str(self.python), "-I", "-m", "pip", "--quiet", "--disable-pip-version-check"]
        run_command([*pip, "install", self.name, *self.requirements])
        done.touch()

    def run(self, loop: str, seconds: float, only: list[str] | None = None) -> dict[str, str]:
        """Runs the files on a loop.

        Args:
            loop: what is put in place.
            seconds: how long all may take; each has two minutes at most.
            only: the tests that are wanted; all of their files are run. All by default.

        Returns:
            What became of each test: "passed", "skipped", "failed".

        Raises:
            SuiteError: the library has no tests.
        """
        end = time.monotonic() + seconds
        names = self.files() if only is None else sorted({name.split(":")[0] for name in only})
        found: dict[str, str] = {}
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for outcomes in threads.map(lambda name: self.run_file(name, loop, end), names):
                found.update(outcomes)
        return found if only is None else {name: found.get(name, "failed") for name in only}

    def run_file(self, name: str, loop: str, end: float) -> dict[str, str]:
        """Runs one file; returns what became of its tests."""
        folder = HOME / self.name / loop.partition(":")[0]
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.outcomes"
        file.unlink(missing_ok=True)
        environment = {self.variable: loop, "PYTHONPATH": str(ROOT / "src"), **self.environment}
        with (folder / f"{name}.log").open("wb") as output:
            process = subprocess.Popen(
                [str(self.python), "-u", "-W", "ignore", str(self.program), name, str(file)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )
            try:
                process.wait(min(SECONDS_A_FILE, max(0.0, end - time.monotonic())))
            except subprocess.TimeoutExpired:
                pass
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        found = read_outcomes(file) if file.exists() else {}
        return {**found, **outcome_of_file(name, process.returncode, found.values())}


def outcome_of_file(name: str, returncode: int, outcomes: Iterable[str]) -> dict[str, str]:
    """Returns what became of the file itself; that a test of it has failed, the test says."""
    ended = returncode == 0 or (returncode > 0 and "failed" in outcomes)
    return {name: "passed" if ended else "failed"}
