"""What the house tests look at: the folders, the files, and which module a file is."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "mainspring"


def source_files(*suffixes: str) -> list[Path]:
    """Lists the files of the package.

    Args:
        suffixes: The suffixes to look for, with their dots.

    Returns:
        The files, in order of their names.
    """
    return sorted(path for path in PACKAGE.rglob("*") if path.suffix in suffixes)


def compiled_modules() -> list[Path]:
    """Returns the `.py` files that are compiled: those with a `.pxd` of their name beside them."""
    pairs = ((pxd, pxd.with_suffix(".py")) for pxd in source_files(".pxd"))
    return [module for _, module in pairs if module.exists()]


def tracked_files() -> list[Path]:
    """Returns the files that git knows of, or skips the test where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("which files belong to the project is known only in a git checkout")
    return [ROOT / name for name in listed.split("\0") if name]
