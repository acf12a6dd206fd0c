"""Builds the C server and clients on the spot.

The invariant: what runs is what lies in c/. A program is built again whenever its source is
newer than it, once for each C library (a tree may be shared with a container that has another),
and it is put in place by a rename, so two runs at a time can't see half a file.
"""

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.processes import BenchmarkError

SOURCES = Path(__file__).resolve().parent / "c"
RESULTS = Path(__file__).resolve().parent / "results"


def program(name: str) -> str:
    """Returns the path of a C program, built if need be.

    Args:
        name: the source's name without `.c`.

    Raises:
        BenchmarkError: there is no C compiler, or it refused.
    """
    source = SOURCES / f"{name}.c"
    libc = os.confstr("CS_GNU_LIBC_VERSION") or "libc"
    folder = RESULTS / "build" / libc.replace(" ", "-")
    target = folder / name
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return str(target)
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise BenchmarkError("No C compiler: install one (Debian: apt-get install gcc libc6-dev).")
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{name}.{os.getpid()}"
    command = [*compiler.split(), "-O2", "-Wall", "-Wextra", "-o", str(fresh), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchmarkError(f"{source.name} doesn't compile:\n{result.stderr}")
    fresh.replace(target)
    return str(target)
