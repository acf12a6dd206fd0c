"""What a process has in memory."""

import re
from pathlib import Path


def resident(pid: int) -> int:
    """Returns the bytes of a process that are in memory (VmRSS)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None, f"process {pid} has no memory: it has ended"
    return int(found.group(1)) * 1024
