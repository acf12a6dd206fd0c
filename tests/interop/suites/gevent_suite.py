"""`GeventSuite`: gevent's own tests, from its wheel, on its libev loop and on ours.

Each file is a process of its own, as in gevent's runner, because most of them patch modules; the
files that run side by side are as many as there are cores.
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

PROGRAM = Path(__file__).parent / "gevent_tests.py"
SECONDS_A_FILE = 120.0

# Patterns of tests that pass on libev and are not expected to on ours, and why.
EXPECTED = {
    "test__close_backend_fd*": "chooses libev's backends one by one, and closes their fds",
    "test__subprocess:TestPopen.test_subprocess_in_native_thread": (
        "wants a child of another thread's hub to be refused; by a pidfd it is waited for"
    ),
    "test__hub:TestPeriodicMonitoringThread.test_blocking_threadpool_thread_*": (
        "wants the thread pool to use the same thread again, but this loop gets the GIL, and the "
        "next job comes, before the thread has said that it is free"
    ),
}


class GeventSuite(Suite):
    """gevent's tests; a file that has none passes if it ends well."""

    def prepare(self) -> None:
        """Installs gevent, unless that was done before.

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
            loop: what GEVENT_LOOP is to name.
            seconds: how long all may take; each has two minutes at most.
            only: the tests that are wanted; all of their files are run. All by default.

        Returns:
            What became of each test: "passed", "skipped", "failed".

        Raises:
            SuiteError: gevent has no tests.
        """
        end = time.monotonic() + seconds
        names = self.modules() if only is None else sorted({name.split(":")[0] for name in only})
        found: dict[str, str] = {}
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for outcomes in threads.map(lambda name: self.run_file(name, loop, end), names):
                found.update(outcomes)
        return found if only is None else {name: found.get(name, "failed") for name in only}

    def modules(self) -> list[str]:
        """Lists gevent's files of tests.

        Raises:
            SuiteError: there is none.
        """
        folders = self.python.parents[1].glob("lib/python*/site-packages/gevent/tests")
        names = sorted(path.stem for folder in folders for path in folder.glob("test_*.py"))
        if not names:
            raise SuiteError(f"gevent in {self.python.parents[1]} has no tests")
        return names

    def run_file(self, name: str, loop: str, end: float) -> dict[str, str]:
        """Runs one file; returns what became of its tests."""
        folder = HOME / self.name / loop.partition(":")[0]
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.outcomes"
        file.unlink(missing_ok=True)
        environment = {"GEVENT_LOOP": loop, "PYTHONPATH": str(ROOT / "src"), **self.environment}
        with (folder / f"{name}.log").open("wb") as output:
            process = subprocess.Popen(
                [str(self.python), "-u", "-W", "ignore", str(PROGRAM), name, str(file)],
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
