"""`QueueNames`: what makes the name of a reply or fanout queue its owner's.

A random one by default. With `use_queue_manager` it is oslo.messaging's `HOST:PROGRAM:NUMBER`,
which is the same after a restart, so that a broker with many services needn't remove and make
queues all the time. The invariant: no two processes of a machine have a name at the same time,
because that would have them steal each other's messages. For each number there is a file, and who
has it locked has the number; the system lets go of it when the process ends, however that is.
"""

import fcntl
import itertools
import os
import re
import socket
import sys
import tempfile
import uuid
from pathlib import Path

from mainspring.messaging.rabbit.options import Options

__all__ = ["QueueNames"]

# In memory, where there is such a thing: the files are empty.
_FOLDERS = ("/dev/shm", tempfile.gettempdir())


class QueueNames:
    """The names that one transport has.

    Parameters:
        options: whether they are numbered, and of which host and program.
    """

    def __init__(self, options: Options) -> None:
        self._numbered = options.use_queue_manager
        host = options.hostname or socket.gethostname()
        program = options.processname or os.path.basename(sys.argv[0])
        self._owner = f"{host}:{program}"
        # The locked file of each name.
        self._files: dict[str, int] = {}

    def take(self) -> str:
        """Returns a name that nobody else has, until it is given back."""
        if not self._numbered:
            return uuid.uuid4().hex
        stem = "mainspring-" + re.sub(r"[^\w.-]", "_", self._owner)
        folder = next(Path(folder) for folder in _FOLDERS if os.access(folder, os.W_OK))
        for number in itertools.count(1):
            file = _locked(folder / f"{stem}-{number}")
            if file is not None:
                name = f"{self._owner}:{number}"
                self._files[name] = file
                return name
        raise AssertionError("there is always another number")

    def give_back(self, name: str) -> None:
        """Lets others have a name; does nothing with a random one."""
        file = self._files.pop(name, None)
        if file is not None:
            os.close(file)

    def close(self) -> None:
        """Gives all of them back."""
        for name in tuple(self._files):
            self.give_back(name)


def _locked(path: Path) -> int | None:
    """Returns an open file that this process has locked; None if somebody else has it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError:
        # Another user's.
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
