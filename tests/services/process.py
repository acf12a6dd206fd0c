"""`Service`: a broker that can be started, stopped, killed and started again on the same port.

It has a port and a data folder of its own for as long as it exists, whatever becomes of its
process: what the tests of faults need. Only processes that it has started are ever ended.
"""

import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.interop.debian import Installed
from tests.interop.servers import free_port, give_away

PATIENCE = 60


class Service:
    """A broker of this test run's own.

    Args:
        folder: where it keeps its data and its log.
    """

    ready: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self.user = give_away(folder)

    @property
    def url(self) -> str:
        """What a client connects to."""
        raise NotImplementedError

    def command(self) -> tuple[Installed, list[str]]:
        """Returns what to run, and its arguments."""
        raise NotImplementedError

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Starts one; it is there when the block begins and gone when it has ended."""
        with tempfile.TemporaryDirectory(prefix="service-", ignore_cleanup_errors=True) as folder:
            service = cls(Path(folder))
            service.start()
            try:
                yield service
            finally:
                service.close()

    def start(self) -> None:
        """Starts the process, and returns when it takes connections."""
        program, arguments = self.command()
        self.process = self.spawn(program, arguments)
        patience = threading.Timer(PATIENCE, self.process.kill)
        patience.start()
        try:
            self._wait_until_ready(self.process)
        finally:
            patience.cancel()
            patience.join()

    def spawn(self, program: Installed, arguments: list[str]) -> "subprocess.Popen[str]":
        """Starts a program as the service's user."""
        return subprocess.Popen(
            [program.path, *arguments],
            user=self.user,
            env=program.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A Ctrl-C in the terminal is for who runs the service: it stops the service in order.
            start_new_session=True,
        )

    def _wait_until_ready(self, process: "subprocess.Popen[str]") -> None:
        said = []
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if self.ready in line:
                break
        else:
            process.wait()
            process.stdout.close()
            raise AssertionError(f"{type(self).__name__} did not start:\n{''.join(said)}")
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE):
            pass

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process with a signal, and returns when it has ended."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.communicate(timeout=PATIENCE)
            self.process = None

    def kill(self) -> None:
        """Ends the process as a crash would."""
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        """Stops it in order, and starts it again with the same data on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Ends whatever was started."""
        self.stop()
