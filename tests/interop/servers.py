"""PostgreSQL and Redis for the tests: on loopback, in a scratch folder, ended with the tests.

Both run as an unprivileged user (PostgreSQL refuses to be root): as `nobody` where the tests are
root's, else as whoever runs them.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from .debian import Installed, find, quietly

PATIENCE = 60


def free_port() -> int:
    """Returns a port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def give_away(folder: Path) -> str | None:
    """Gives a folder of root's to an unprivileged user; returns that one's name, else None."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "nobody")
    return "nobody"


class Server:
    """A server process and what a client needs to know of it."""

    ready: str
    stop: signal.Signals = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.user = give_away(folder)

    @property
    def superuser(self) -> str:
        """The name of the user that the server runs as."""
        return self.user or pwd.getpwuid(os.geteuid()).pw_name

    def command(self) -> tuple[Installed, list[str]]:
        """Returns what to run, and its arguments; prepares the folder."""
        raise NotImplementedError

    def run(self, program: Installed, *arguments: str) -> None:
        """Runs a program to its end as the server's user."""
        done = quietly(
            [program.path, *arguments],
            PATIENCE,
            user=self.user,
            env=program.environment,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """Starts a server; it is there when the block begins and gone when it has ended."""
        with tempfile.TemporaryDirectory(prefix="interop-") as folder:
            server = cls(Path(folder))
            program, arguments = server.command()
            with subprocess.Popen(
                [program.path, *arguments],
                user=server.user,
                env=program.environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process:
                try:
                    server.wait_until_ready(process)
                    yield server
                finally:
                    process.send_signal(cls.stop)
                    process.communicate(timeout=PATIENCE)

    def wait_until_ready(self, process: "subprocess.Popen[str]") -> None:
        """Reads what the server says until it takes connections."""
        said = []
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if self.ready in line:
                return
        raise AssertionError(f"{type(self).__name__} did not start:\n{''.join(said)}")


class Postgres(Server):
    """A PostgreSQL with an empty cluster; everybody on loopback is trusted."""

    ready = "database system is ready to accept connections"
    # "Fast": clients that are still there are cut off.
    stop = signal.SIGINT

    def command(self) -> tuple[Installed, list[str]]:
        data = self.folder / "data"
        initdb = find("initdb", "postgresql", "usr/lib/postgresql/*/bin")
        options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        self.run(initdb, "-D", str(data), "-U", "postgres", *options)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
        }
        arguments = ["-D", str(data)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        return find("postgres", "postgresql", "usr/lib/postgresql/*/bin"), arguments


class Redis(Server):
    """A Redis that keeps everything in memory."""

    ready = "Ready to accept connections"

    def command(self) -> tuple[Installed, list[str]]:
        arguments = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        arguments += ["--unixsocket", str(self.folder / "redis.sock"), "--dir", str(self.folder)]
        return find("redis-server", "redis-server", "usr/bin"), arguments
