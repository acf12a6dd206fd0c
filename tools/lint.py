"""Every check that reads the code without running it, in order from quick to slow.

All of them run even if one fails, so that one run shows everything there is to put right. It
runs inside the environment that tools/env.py made.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "build" / "lint"

HELP = {
    "format": "`make format` puts the format right.",
    "style": "`make format` puts right what has one right answer; the rest is for you.",
    "types": "An error in a compiled module means that Python code imports it: it needs a .pyi.",
    "stubs": "A .pyi says something other than its compiled module, imported, shows.",
    "warnings": "Cython and the C compiler must have nothing to say (-Wall -Wextra).",
}

# What Cython adds to every module and class, and comparisons, whose slots take no keyword.
NOT_IN_STUBS = [
    r".*\.__(reduce|setstate)_cython__",
    r".*\.__(test|pyx_capi)__",
    r".*\.TimerHandle\.__(eq|lt|le|gt|ge)__",
    # An __init__ without parameters shows none of its own.
    r".*\.(Lock|Event|AsyncResult|ThreadLock|Admission|Broker)\.__init__",
]


def passes(command: list[str]) -> bool:
    """Runs a checker, whose output is shown as it is.

    Args:
        command: The program and its arguments.

    Returns:
        True if it found nothing.
    """
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def typed_files() -> list[str]:
    """Lists what mypy is to read: Python that isn't compiled, and the `.pyi` of what is.

    A compiled module declares its attributes in its `.pxd`, which only Cython reads, so mypy could
    make nothing of the `.py`; Cython is the one that checks the types there.

    Returns:
        The files.
    """
    package = ROOT / "src" / "mainspring"
    plain = [path for path in package.rglob("*.py") if not path.with_suffix(".pxd").exists()]
    return [str(path) for path in sorted([*plain, *package.rglob("*.pyi")])]


def stubs_are_true() -> bool:
    """Compares the `.pyi` files with the compiled modules themselves.

    Returns:
        True if each declares what its module has, with the same parameters.
    """
    source = ROOT / "src"
    stubs = sorted((source / "mainspring").rglob("*.pyi"))
    names = [".".join(path.relative_to(source).with_suffix("").parts) for path in stubs]
    SCRATCH.mkdir(parents=True, exist_ok=True)
    allowlist = SCRATCH / "stubs.allowed"
    allowlist.write_text("\n".join(NOT_IN_STUBS), encoding="utf-8")
    command = ["stubtest", "--concise", "--mypy-config-file", str(ROOT / "pyproject.toml")]
    # Every class of a C layout is a disjoint base; to say so in the stubs would tell nobody more.
    command += ["--ignore-disjoint-bases", "--allowlist", str(allowlist)]
    command += ["--ignore-unused-allowlist", *names]
    path = {"MYPYPATH": str(source), "PYTHONPATH": str(source)}
    return (
        subprocess.run(command, cwd=ROOT, env={**os.environ, **path}, check=False).returncode == 0
    )


def compile_warnings() -> bool:
    """Compiles a copy of the package and looks for warnings of Cython and of the C compiler.

    A copy, because the build in place is incremental and only what is compiled can warn. The copy
    is kept while it is clean, so that the next run compiles just what changed, too.

    Returns:
        True if there was no warning and everything compiled.
    """
    copy_sources()
    command = [sys.executable, "setup.py", "build_ext", "--inplace", "-j2"]
    # -O1 takes half the time of -O3 and has the same warnings, those of the data flow included.
    done = subprocess.run(
        command,
        cwd=SCRATCH,
        env={**os.environ, "MAINSPRING_CFLAGS": "-O1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    found = [line for line in lines if "warning:" in line.lower()]
    if done.returncode == 0 and not found:
        return True
    print("\n".join(lines if done.returncode else found))
    # What has warned must warn again next time.
    shutil.rmtree(SCRATCH)
    return False


def copy_sources() -> None:
    """Brings the copy up to date, leaving what did not change as it is."""
    wanted = [ROOT / name for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE")]
    for suffix in ("*.py", "*.pxd", "*.h"):
        wanted += (ROOT / "src").rglob(suffix)
    kept = set()
    for source in wanted:
        target = SCRATCH / source.relative_to(ROOT)
        kept.add(target)
        if not target.exists() or target.stat().st_mtime_ns != source.stat().st_mtime_ns:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for target in (SCRATCH / "src").rglob("*"):
        if target.suffix in (".py", ".pxd", ".h") and target not in kept:
            target.unlink()


def main() -> int:
    """Runs all checks.

    Returns:
        0 if all are content, else 1.
    """
    failed = []
    checks = {
        "format": lambda: passes(["ruff", "format", "--check", "."]),
        "style": lambda: passes(["ruff", "check", "."]),
        "types": lambda: passes(["mypy", *typed_files()]),
        "stubs": stubs_are_true,
        "warnings": compile_warnings,
    }
    for name, check in checks.items():
        began = time.monotonic()
        good = check()
        seconds = time.monotonic() - began
        print(f"{name:9} {'good' if good else 'BAD':5} {seconds:5.1f} s", flush=True)
        if not good:
            failed.append(name)
    for name in failed:
        print(f"{name}: {HELP[name]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
