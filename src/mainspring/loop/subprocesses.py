"""`subprocess_exec` and `subprocess_shell`: child processes of a loop."""

import asyncio
import subprocess
from asyncio.log import logger
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from mainspring.core.priority import Priority
from mainspring.core.priority import priority as running_at
from mainspring.loop.part import Part
from mainspring.process.transport import SubprocessTransport, start_subprocess

__all__ = ["Subprocesses"]


class Subprocesses(Part):
    """The child processes of a loop."""

    def __init__(self) -> None:
        self._subprocesses: set[SubprocessTransport] = set()
        super().__init__()

    async def subprocess_exec[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        program: Any,
        *args: Any,
        stdin: Any = subprocess.PIPE,
        stdout: Any = subprocess.PIPE,
        stderr: Any = subprocess.PIPE,
        universal_newlines: bool = False,
        shell: bool = False,
        bufsize: int = 0,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        priority: Priority | int | None = None,
        **kwargs: Any,
    ) -> tuple[asyncio.SubprocessTransport, P]:
        """Starts a program; asyncio's `subprocess_exec`.

        Parameters:
            protocol_factory: makes the protocol, an `asyncio.SubprocessProtocol`.
            program: the program's path or name; args: its arguments.
            stdin: what the child reads: a pipe by default, or `DEVNULL`, a file, an fd, None for
                the loop's own.
            stdout: what it writes to, likewise; stderr: likewise, or `STDOUT`.
            priority: the `Priority` of the child's pipes and of the news of its end; by default
                the one that the current context names.
            kwargs: passed on to `subprocess.Popen`. It works with bytes, unbuffered: `text`,
                `encoding`, `errors`, `universal_newlines`, `bufsize` can't be set.

        Returns:
            The transport and the protocol, once `connection_made` was called.

        Raises:
            OSError: the program can't be started.
            ValueError: an argument that can't be set.
        """
        if shell:
            raise ValueError("shell must be False; subprocess_shell() takes a command")
        _check_bytes_only(universal_newlines, bufsize, encoding, errors, text)
        files = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        # The arguments may hold a secret.
        said = f"execute program {program!r}"
        options = {**kwargs, **files, "shell": False}
        return await self._start(protocol_factory, (program, *args), options, said, priority)

    async def subprocess_shell[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        cmd: str | bytes,
        *,
        stdin: Any = subprocess.PIPE,
        stdout: Any = subprocess.PIPE,
        stderr: Any = subprocess.PIPE,
        universal_newlines: bool = False,
        shell: bool = True,
        bufsize: int = 0,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        priority: Priority | int | None = None,
        **kwargs: Any,
    ) -> tuple[asyncio.SubprocessTransport, P]:
        """Runs a command in a shell; asyncio's `subprocess_shell`.

        Parameters:
            protocol_factory: makes the protocol, an `asyncio.SubprocessProtocol`.
            cmd: the command, for the shell to read.

        The other parameters, the result and the errors are those of `subprocess_exec`.
        """
        if not isinstance(cmd, (bytes, str)):
            raise ValueError(f"cmd must be a string, not {cmd!r}; subprocess_exec() takes several")
        if not shell:
            raise ValueError("shell must be True; subprocess_exec() starts a program without one")
        _check_bytes_only(universal_newlines, bufsize, encoding, errors, text)
        files = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        options = {**kwargs, **files, "shell": True}
        return await self._start(protocol_factory, cmd, options, f"run {cmd!r}", priority)

    async def _start[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        args: Any,
        options: dict[str, Any],
        said: str,
        priority: Priority | int | None,
    ) -> tuple[asyncio.SubprocessTransport, P]:
        self._check_closed()
        with nullcontext() if priority is None else running_at(priority):
            protocol = protocol_factory()
            transport = await start_subprocess(
                self, protocol, args, {**options, "universal_newlines": False, "bufsize": 0}
            )
        if self.get_debug():
            logger.info("%s: %r", said, transport)
        return transport, protocol

    def _popen(self, args: Any, options: dict[str, Any]) -> subprocess.Popen[bytes]:
        """Starts a child; it blocks until the program runs in it."""
        return subprocess.Popen(args, **options)

    def _forget_subprocesses(self) -> None:
        # Those that nobody holds end with this; they warn, and kill their child.
        while self._subprocesses:
            self._subprocesses.pop()._forget()


def _check_bytes_only(
    universal_newlines: bool,
    bufsize: int,
    encoding: str | None,
    errors: str | None,
    text: bool | None,
) -> None:
    if universal_newlines:
        raise ValueError("universal_newlines must be False: the pipes carry bytes")
    if bufsize != 0:
        raise ValueError(f"bufsize must be 0, not {bufsize!r}: the pipes aren't buffered")
    if text:
        raise ValueError("text must be False: the pipes carry bytes")
    if encoding is not None:
        raise ValueError(f"encoding must be None, not {encoding!r}: the pipes carry bytes")
    if errors is not None:
        raise ValueError(f"errors must be None, not {errors!r}: the pipes carry bytes")
