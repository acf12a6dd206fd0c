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


# What is built from another source, and how.
VARIANTS = {
    "tls_load_client": ("load_client", ["-DTLS", "-lssl", "-lcrypto"]),
    "udp_load_client": ("load_client", ["-DUDP"]),
}


def program(name: str) -> str:
    """Returns the path of a C program, built if need be.

    Args:
        name: the source's name without `.c`, or one of `VARIANTS`.

    Raises:
        BenchmarkError: there is no C compiler, or it refused.
    """
    base, flags = VARIANTS.get(name, (name, []))
    source = SOURCES / f"{base}.c"
    newest = max(path.stat().st_mtime for path in (source, *SOURCES.glob("*.h")))
    libc = os.confstr("CS_GNU_LIBC_VERSION") or "libc"
    folder = RESULTS / "build" / libc.replace(" ", "-")
    target = folder / name
    if target.exists() and target.stat().st_mtime >= newest:
        return str(target)
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise BenchmarkError("No C compiler: install one (Debian: apt-get install gcc libc6-dev).")
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{name}.{os.getpid()}"
    command = [*compiler.split(), "-O2", "-Wall", "-Wextra", "-o", str(fresh), str(source)]
    command += flags
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchmarkError(f"{source.name} doesn't compile:\n{result.stderr}")
    fresh.replace(target)
    return str(target)


def certificate() -> str:
    """Returns the path of a key and a certificate of its own, made by the openssl command.

    Raises:
        BenchmarkError: there is no openssl command, or it failed.
    """
    target = RESULTS / "build" / "certificate.pem"
    if target.exists():
        return str(target)
    if not shutil.which("openssl"):
        raise BenchmarkError("No openssl command: install it (Debian: apt-get install openssl).")
    target.parent.mkdir(parents=True, exist_ok=True)
    key, fresh = (target.with_suffix(f".{os.getpid()}.{kind}") for kind in ("key", "crt"))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-subj", "/CN=localhost", "-days", "36500"]
    command += ["-keyout", str(key), "-out", str(fresh)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchmarkError(f"openssl made no certificate:\n{result.stderr}")
    fresh.write_text(key.read_text() + fresh.read_text())
    key.unlink()
    fresh.replace(target)
    return str(target)
