"""wrk, the load of HTTP servers: runs it, and reads its report."""

import re
import shutil
import socket
import subprocess
import time

from benchmarks.proc import Cores
from benchmarks.processes import BenchmarkError, start

START_SECONDS = 20.0
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}


def missing_wrk(command: str) -> str | None:
    """Returns what a command lacks without wrk, as a sentence with the remedy; None if it is here.

    Args:
        command: the command's name.
    """
    if shutil.which("wrk"):
        return None
    return f"`{command}` needs wrk, which isn't installed (Debian: apt-get install wrk)."


def parse_wrk(text: str) -> tuple[int, dict[str, float]]:
    """Reads wrk's report.

    Args:
        text: what wrk printed, with `--latency`.

    Returns:
        The number of requests, and requests per second and percentiles in microseconds.

    Raises:
        BenchmarkError: it isn't such a report, or some requests failed.
    """
    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if not total or not rate:
        raise BenchmarkError(f"wrk printed no figures: {text.strip()[-200:]!r}")
    if failed := re.search(r"(Non-2xx|Socket errors).*", text):
        raise BenchmarkError(f"wrk saw failures: {failed.group(0)}")
    figures = {"requests_per_s": float(rate.group(1))}
    for percent in ("50", "99"):
        if found := re.search(rf"\b{percent}%\s+([\d.]+)([a-z]+)", text):
            figures[f"p{percent}_us"] = float(found.group(1)) * UNITS[found.group(2)]
    return int(total.group(1)), figures


def run_wrk(port: int, seconds: float, connections: int, cores: Cores) -> str:
    """Runs wrk for whole seconds (it knows no fractions) and returns its report."""
    whole = max(1, round(seconds))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--latency"]
    process = start([*command, f"http://127.0.0.1:{port}/"], cores.client, stdout=subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=whole + 30)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise BenchmarkError("wrk hung.") from error
    return output.decode()


def free_port() -> int:
    """Returns a port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", name: str) -> None:
    """Waits until something listens.

    Args:
        port: where, on 127.0.0.1.
        process: what is to listen there.
        name: what to call it in errors.

    Raises:
        BenchmarkError: the process ended, or nothing listens in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchmarkError(f"{name} ended with status {process.returncode}.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BenchmarkError(f"{name} doesn't listen after {START_SECONDS:.0f} s.")
