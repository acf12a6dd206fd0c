"""Runs the compiled modules under gcc's sanitizers, which see what no test can.

    python tools/sanitizers.py threads
    python tools/sanitizers.py memory [PYTEST_ARGUMENT ...]

The modules are built anew, in a copy of the tree. The interpreter is the ordinary one: what it does
itself isn't looked at. `threads` looks for data races between the threads of the gate, in a program
in which loops, idle jobs and workers change places all the time; the interpreter's locks and its
GIL are seen, being pthread's, so what is found is a race in our own C code. `memory` runs the tests
and looks for memory that is used after its end or beyond its bounds, and for what C leaves
undefined.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What the copy needs besides the sources; without tests a run of them would find the originals.
FILES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "Makefile", "mkdocs.yml")
FOLDERS = ("src", "tests", "tools", "examples", "benchmarks", "docs")
TESTS = [f"tests/{folder}" for folder in ("core", "loop", "net", "process", "sync", "green")]

STRESS = """
import asyncio, sys, threading
import mainspring
from mainspring import Priority

sys.setswitchinterval(1e-6)

def work():
    return sum(number for number in range(3000))

async def wait(future):
    return await future

async def main():
    loop = asyncio.get_running_loop()
    for _ in range(50):
        jobs = [loop.run_idle(work, inherit=True) for _ in range(3)]
        workers = [asyncio.to_thread(work) for _ in range(2)]
        waiter = loop.create_task(wait(jobs[-1]), priority=Priority.HIGH)
        for _ in range(5):
            await asyncio.sleep(0.0002)
            await asyncio.sleep(0)
        await asyncio.gather(*jobs, *workers, waiter)

threads = [threading.Thread(target=mainspring.run, args=(main,)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@dataclass(frozen=True)
class Sanitizer:
    """How to build with a sanitizer and to run under it.

    Attributes:
        flags: the compiler's and the linker's.
        libraries: gcc's, which must be there before the interpreter's own.
        environment: settings of the libraries and of the interpreter.
    """

    flags: str
    libraries: tuple[str, ...]
    environment: dict[str, str]


THREADS = Sanitizer("-fsanitize=thread -g -O1", ("libtsan.so",), {"TSAN_OPTIONS": "exitcode=66"})
MEMORY = Sanitizer(
    # greenlet copies pieces of stacks, so what the sanitizer notes there soon isn't so. Cython's
    # freelists and Python's own allocator would hide that an object is used after its end.
    "-fsanitize=address,undefined --param=asan-stack=0 -fno-sanitize-recover=undefined"
    " -fno-omit-frame-pointer -DCYTHON_USE_FREELISTS=0 -g -O1",
    ("libasan.so", "libubsan.so"),
    {
        "ASAN_OPTIONS": "detect_leaks=0:exitcode=66",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
    },
)


class MissingLibrary(Exception):
    """gcc hasn't a sanitizer's library."""


def find(library: str) -> str:
    """Returns where gcc has a library.

    Raises:
        MissingLibrary: it has none.
    """
    command = ["gcc", f"-print-file-name={library}"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not os.path.isabs(path):
        raise MissingLibrary(f"gcc has no {library} here; on Debian it comes with gcc itself")
    return path


def build(sanitizer: Sanitizer, scratch: Path) -> dict[str, str]:
    """Compiles a copy of the tree; returns the environment in which it runs.

    Raises:
        MissingLibrary: the sanitizer isn't there.
    """
    libraries = " ".join(find(library) for library in sanitizer.libraries)
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("*.so", "*.c", "__pycache__", "results")
        shutil.copytree(ROOT / folder, scratch / folder, ignore=ignored, dirs_exist_ok=True)
    for name in FILES:
        shutil.copy2(ROOT / name, scratch / name)
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", "-j2"]
    flags = {**os.environ, "MAINSPRING_CFLAGS": sanitizer.flags}
    subprocess.run(command, cwd=scratch, env=flags, check=True)
    return {
        **os.environ,
        **sanitizer.environment,
        "PYTHONPATH": str(scratch / "src"),
        "LD_PRELOAD": libraries,
    }


def main(arguments: list[str]) -> int:
    """Builds and runs.

    Parameters:
        arguments: `threads`, or `memory` and what pytest gets.

    Returns:
        The status of what was run: 66 if the sanitizer has found something. 1 if it isn't there.
    """
    match arguments:
        case ["threads"]:
            sanitizer, scratch = THREADS, ROOT / "build" / "tsan"
            command = ["-c", STRESS]
        case ["memory", *given]:
            sanitizer, scratch = MEMORY, ROOT / "build" / "asan"
            command = ["-m", "pytest", "-p", "no:cacheprovider", *(given or TESTS)]
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    try:
        environment = build(sanitizer, scratch)
    except MissingLibrary as exc:
        print(exc, file=sys.stderr)
        return 1
    finished = subprocess.run([sys.executable, *command], cwd=scratch, env=environment, check=False)
    return finished.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
