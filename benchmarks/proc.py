"""What the kernel says about a process: CPU time, memory, open files; and which cores to use.

The invariant: all figures come from outside the process, so reading them costs the measured
server nothing. CPU time is the scheduler's own account in nanoseconds (schedstat), which
survives noise on the machine far better than requests per second do.
"""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Cores:
    """The cores of a run; None where the machine has only one and nothing is pinned."""

    server: int | None
    client: int | None


def choose_cores() -> Cores:
    """Returns two different cores, of different physical cores where there are any.

    The client gets the lowest number, where most interrupts are served too.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return Cores(None, None)
    client = allowed[0]
    siblings = _siblings(client)
    others = [cpu for cpu in allowed[1:] if cpu not in siblings] or allowed[1:]
    return Cores(others[0], client)


def _siblings(cpu: int) -> set[int]:
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        text = path.read_text()
    except OSError:
        return {cpu}
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time that a process has used, user and system, over its living threads.

    Args:
        pid: the process.

    Returns:
        Seconds. Threads that have ended aren't in it: read it before and after a window in
        which none ends.
    """
    total = 0
    for task in (PROC / str(pid) / "task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that ended meanwhile
    return total / 1e9


def memory_bytes(pid: int) -> dict[str, int]:
    """Returns the resident memory of a process.

    Args:
        pid: the process.

    Returns:
        Bytes under "rss" and "pss" (shared pages counted by share); "pss" equals "rss" where
        the kernel has no smaps_rollup.
    """
    found: dict[str, int] = {}
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            words = line.split()
            if words[0] in ("Rss:", "Pss:"):
                found[words[0][:-1].lower()] = int(words[1]) * 1024
    except OSError:
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
        found["rss"] = pages * os.sysconf("SC_PAGESIZE")
    found.setdefault("pss", found["rss"])
    return found


def machine() -> dict[str, str]:
    """Returns what a report says about the machine: processor, cores, memory, kernel, libc."""
    model = "unknown processor"
    for line in (PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    total = (PROC / "meminfo").read_text().split()[1]
    return {
        "processor": model,
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(total) / 2**20:.0f} GiB",
        "kernel": f"{os.uname().sysname} {os.uname().release}",
        "libc": os.confstr("CS_GNU_LIBC_VERSION") or "unknown",
    }
