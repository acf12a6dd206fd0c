"""Event loops by name: `MODULE:FACTORY`, or one of the short names below.

The invariant: the runner itself never imports a loop. A loop is tried in a child process (this
module run as a program), so a loop that is missing, broken or crashes the interpreter costs one
sentence and its column, never the run.
"""

import asyncio
import importlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.processes import child_environment

ALIASES = {
    "asyncio": "asyncio:SelectorEventLoop",
    "uvloop": "uvloop:new_event_loop",
    "rloop": "rloop:new_event_loop",
    "zuvloop": "zuvloop:new_event_loop",
    "mainspring": "mainspring:new_event_loop",
}
DEFAULT_LOOPS = ",".join(ALIASES)
PROBE_SECONDS = 20


@dataclass(frozen=True)
class LoopName:
    """How a loop is shown and how it is made."""

    label: str
    spec: str


@dataclass(frozen=True)
class Probe:
    """What trying a loop gave: a version, or the sentence that says why it is left out."""

    loop: LoopName
    version: str | None
    problem: str | None


def parse_loops(text: str) -> list[LoopName]:
    """Reads a comma-separated list of loops.

    Args:
        text: short names and `MODULE:FACTORY` pairs, for example `"asyncio,uvloop:Loop"`.

    Returns:
        The loops in the order given, each once.

    Raises:
        ValueError: a name is neither a short name nor of the form `MODULE:FACTORY`.
    """
    loops: dict[str, LoopName] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        spec = ALIASES.get(name, name)
        module, _, factory = spec.partition(":")
        if not module or not factory:
            known = ", ".join(ALIASES)
            raise ValueError(f"{name!r} is no loop: give MODULE:FACTORY or one of {known}")
        short = {value: key for key, value in ALIASES.items()}
        loops.setdefault(spec, LoopName(short.get(spec, name), spec))
    return list(loops.values())


def make_loop(spec: str) -> asyncio.AbstractEventLoop:
    """Makes a new event loop; called in child processes only.

    Args:
        spec: `MODULE:FACTORY`; the factory is called without arguments.

    Returns:
        The new loop, not set as anyone's current loop.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has no such factory.
    """
    module, _, attribute = spec.partition(":")
    factory: Callable[[], asyncio.AbstractEventLoop] = getattr(
        importlib.import_module(module), attribute
    )
    return factory()


def probe(loop: LoopName) -> Probe:
    """Tries a loop in a child process.

    Args:
        loop: the loop to try.

    Returns:
        Its version, or the reason why it can't be used here, as one sentence.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.loops", loop.spec],
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Probe(loop, None, f"{loop.label} is skipped: it hung for {PROBE_SECONDS} s.")
    if child.returncode == 0 and child.stdout.strip():
        return Probe(loop, json.loads(child.stdout.splitlines()[-1])["version"], None)
    lines = child.stderr.strip().splitlines() or [f"exit status {child.returncode}"]
    return Probe(loop, None, f"{loop.label} is skipped: {lines[-1].strip().rstrip('.')}.")


def usable(loops: Sequence[LoopName]) -> tuple[list[LoopName], dict[str, str]]:
    """Keeps the loops that work here and names the others on stderr.

    Args:
        loops: the loops asked for.

    Returns:
        The usable loops in their order, and the version of each by its label.

    Raises:
        SystemExit: none of the loops is usable.
    """
    found: list[LoopName] = []
    versions: dict[str, str] = {}
    for result in map(probe, loops):
        if result.version is None:
            print(result.problem, file=sys.stderr)
        else:
            found.append(result.loop)
            versions[result.loop.label] = result.version
    if not found:
        raise SystemExit("None of the loops asked for works with this interpreter.")
    return found, versions


def _version(spec: str) -> str:
    package = spec.partition(":")[0].partition(".")[0]
    if package == "asyncio":
        return sys.version.split()[0]
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "in place"


def main(spec: str) -> None:
    """Makes the loop, runs one coroutine, prints the version as JSON."""
    loop = make_loop(spec)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    print(json.dumps({"version": _version(spec)}))


if __name__ == "__main__":
    main(sys.argv[1])
