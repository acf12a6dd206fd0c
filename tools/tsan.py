"""Looks for data races between the threads of the gate, with ThreadSanitizer.

The compiled modules are built anew with it, in a copy of the tree, and a program runs on them in
which loops, idle jobs and workers change places all the time. The interpreter is the ordinary one:
what it does itself isn't looked at, but its locks and its GIL are seen, being pthread's. So what is
found is a race in our own C code.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "build" / "tsan"
NEEDED = ("setup.py", "pyproject.toml", "README.md", "LICENSE")

PROGRAM = """
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


def main() -> int:
    """Builds and runs.

    Returns:
        The program's status, which is not 0 if there was a race; 1 if the library isn't there.
    """
    found = subprocess.run(
        ["gcc", "-print-file-name=libtsan.so"], capture_output=True, text=True, check=True
    )
    library = found.stdout.strip()
    if not os.path.isabs(library):
        print("gcc has no libtsan here; on Debian it comes with gcc itself", file=sys.stderr)
        return 1
    source = SCRATCH / "src"
    shutil.copytree(
        ROOT / "src", source, ignore=shutil.ignore_patterns("*.so", "*.c"), dirs_exist_ok=True
    )
    for name in NEEDED:
        shutil.copy2(ROOT / name, SCRATCH / name)
    build = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", "-j2"]
    flags = {**os.environ, "MAINSPRING_CFLAGS": "-fsanitize=thread -g -O1"}
    subprocess.run(build, cwd=SCRATCH, env=flags, check=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(source),
        "LD_PRELOAD": library,
        "TSAN_OPTIONS": "exitcode=66",
    }
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
