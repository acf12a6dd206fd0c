"""Programs that aren't Python's: from this machine, else from Debian's archive.

What isn't installed is fetched by apt and unpacked into the project's `.tools/debian`, with those
of its libraries that aren't installed either. Nothing outside that folder changes, and nobody
needs to be root.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".tools" / "debian"
PATIENCE = 300


def quietly(
    command: Sequence[str | Path], patience: float = PATIENCE, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Runs a program to its end; what it says is kept.

    Args:
        command: the program and its arguments.
        patience: seconds it may take.
        options: for `subprocess.run`.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
        **options,
    )


@dataclass
class Installed:
    """A program, and the environment that it runs in."""

    path: str
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))


def find(program: str, package: str, folder: str = "usr/bin") -> Installed:
    """Finds a program, or fetches it.

    Args:
        program: its name.
        package: the Debian package that has it.
        folder: where that package has it; may be a pattern.

    Returns:
        The program. The test fails, and says what to install, if there is no way to get it.
    """
    installed = shutil.which(program) or _first(Path("/"), folder, program)
    if installed:
        return Installed(str(installed))
    root = HOME / package
    if not _first(root, folder, program):
        _fetch(package, root)
    unpacked = _first(root, folder, program)
    if not unpacked:
        pytest.fail(f"{program} isn't here; install {package}, or have it on the PATH.")
    libraries = os.pathsep.join(map(str, root.glob("usr/lib/*-linux-gnu")))
    return Installed(str(unpacked), {**os.environ, "LD_LIBRARY_PATH": libraries})


def _first(root: Path, folder: str, program: str) -> Path | None:
    return max(root.glob(f"{folder}/{program}"), default=None)


def _fetch(package: str, root: Path) -> None:
    """Unpacks a package, and those it needs that aren't installed, into a folder."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return
    print(f"fetching {package} into {root.relative_to(ROOT)}")
    # Under another name until it is whole.
    unfinished = root.with_name(root.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    archives = unfinished / "archives"
    (archives / "partial").mkdir(parents=True)
    # Without a lock and with a folder of its own, apt downloads as any user.
    options = ["-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={archives}"]
    options += ["-o", "APT::Sandbox::User=", "-o", "APT::Install-Recommends=0"]
    done = quietly(["apt-get", *options, "--yes", "--quiet", "--download-only", "install", package])
    if done.returncode != 0:
        pytest.fail(f"apt-get could not fetch {package} (apt-get update first?):\n{done.stderr}")
    for archive in archives.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, unfinished], check=True, timeout=PATIENCE)
    shutil.rmtree(archives)
    shutil.rmtree(root, ignore_errors=True)
    unfinished.rename(root)
