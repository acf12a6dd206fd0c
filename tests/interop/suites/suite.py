"""`Suite`: another library's tests, from its source distribution, in an environment of their own.

The loop is put in place by a plugin, so the suite itself is run as it is. Each run ends within its
time, and what it has started ends with it.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "build" / "suites"


class SuiteError(Exception):
    """A suite could not be fetched, installed or run; the message says which and why."""


@dataclass
class Suite:
    """What is peculiar to a library.

    Args:
        name: its name in the package index.
        requirements: what `pip install` is given for its tests, in the source's folder.
        tests: its folder of tests.
        options: for pytest.
        environment: variables for pytest.
        control: what the suite runs on first, as `run` takes it.
        ours: what it then runs on.
        plugin: the plugin that puts these in place.
        expected: the tests that need not pass on ours, or patterns of them, and why.
    """

    name: str
    requirements: list[str]
    tests: str = "tests"
    options: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    control: str = "asyncio:SelectorEventLoop"
    ours: str = "mainspring:new_event_loop"
    plugin: str = "tests_on_loop"
    expected: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter of the suite's environment."""
        return HOME / self.name / "venv" / "bin" / "python"

    @property
    def source(self) -> Path:
        """The folder of the unpacked source."""
        return HOME / self.name / "source"

    def prepare(self) -> None:
        """Fetches and installs the suite, unless that was done before.

        Raises:
            SuiteError: the index or the distribution doesn't have what is needed.
        """
        done = HOME / self.name / "prepared"
        if done.exists():
            return
        shutil.rmtree(HOME / self.name, ignore_errors=True)
        self.source.mkdir(parents=True)
        venv = HOME / self.name / "venv"
        run_command([sys.executable, "-m", "venv", str(venv)])
        pip = [str(self.python), "-I", "-m", "pip", "--quiet", "--disable-pip-version-check"]
        # Isolated: the source in the current folder must not pass for an installed package.
        # Dependency groups want a newer one than an interpreter brings.
        run_command([*pip, "install", "--upgrade", "pip"])
        download = ["download", "--no-deps", "--no-binary", self.name, "--dest", ".."]
        run_command([*pip, *download, self.name], self.source)
        archive = next(self.source.parent.glob("*.tar.gz"))
        with tarfile.open(archive) as packed:
            packed.extractall(self.source, filter="data")
        # One folder, named after the version, holds it all.
        (inner,) = self.source.iterdir()
        for path in inner.iterdir():
            path.rename(self.source / path.name)
        inner.rmdir()
        if not (self.source / self.tests).is_dir():
            raise SuiteError(f"{archive.name} has no {self.tests}")
        version = inner.name.rpartition("-")[2]
        # greenlet is what our loop needs.
        wanted = [f"{self.name}=={version}", "greenlet", *self.requirements]
        run_command([*pip, "install", *wanted], self.source)
        # Out of the way, so that the installed package is the one that is tested.
        for name in ("src", self.name):
            if (self.source / name).is_dir():
                (self.source / name).rename(self.source / f"{name}.unused")
        done.touch()

    def run(self, loop: str, seconds: float, only: list[str] | None = None) -> dict[str, str]:
        """Runs the suite on a loop.

        Args:
            loop: what the plugin is to put in place, as MODULE:FACTORY.
            seconds: how long it may take.
            only: the tests to run, by their ids; all by default.

        Returns:
            What became of each test: "passed", "skipped", "failed".

        Raises:
            SuiteError: it didn't end in time, or no test ran.
        """
        label = loop.partition(":")[0] + ("" if only is None else "-again")
        outcomes = HOME / self.name / f"{label}.outcomes"
        outcomes.unlink(missing_ok=True)
        log = HOME / self.name / f"{label}.log"
        command = [str(self.python), "-m", "pytest", "-p", self.plugin, self.tests, "-q"]
        command += ["-p", "no:cacheprovider", "--tb=short", *self.options]
        # The suite's folder is named tests, too: the plugin comes from a folder without that.
        path = os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)])
        environment = {"LOOP": loop, "OUTCOMES": str(outcomes), "PYTHONPATH": path}
        if only is not None:
            wanted = HOME / self.name / "only"
            wanted.write_text(json.dumps(only))
            environment["ONLY"] = str(wanted)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.source,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment, **environment},
                start_new_session=True,
            )
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise SuiteError(
                    f"{self.name} on {loop} did not end in {seconds:g} s; see {log}"
                ) from None
            finally:
                # Also what tests have left behind.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if not outcomes.exists():
            raise SuiteError(f"{self.name} on {loop}: no test ran; see {log}")
        return read_outcomes(outcomes)


def read_outcomes(file: Path) -> dict[str, str]:
    """Returns what became of each test; one that failed in any phase has failed."""
    found: dict[str, str] = {}
    for line in file.read_text().splitlines():
        name, outcome = json.loads(line)
        if found.get(name) != "failed":
            found[name] = outcome
    return found


def run_command(command: list[str], folder: Path = ROOT) -> None:
    """Runs a command, and says nothing unless it fails.

    Raises:
        SuiteError: it failed; the message has what it said.
    """
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SuiteError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
