"""`SubprocessTransport`: asyncio's transport for a child process and its pipes.

The child's end and the end of each pipe come in any order; `connection_lost` follows when all have
come. What happens while the pipes are being connected is kept until `connection_made` was called.
"""

import asyncio
import contextlib
import signal
import subprocess
import warnings
from asyncio.log import logger
from collections.abc import Callable
from typing import Any, Protocol

from mainspring.core.priority import Priority, current_priority, priority_level
from mainspring.process.exit import ExitWatch, reap_in_thread

__all__ = ["SubprocessTransport", "start_subprocess"]

STDIN, STDOUT, STDERR = range(3)


class Loop(Protocol):
    """What a subprocess needs of its loop."""

    _subprocesses: set["SubprocessTransport"]

    def call_soon(
        self, callback: Callable[..., object], *args: Any, priority: Priority | None = None
    ) -> Any: ...
    def create_future(self) -> asyncio.Future[Any]: ...
    def get_debug(self) -> bool: ...
    def is_closed(self) -> bool: ...
    def _popen(self, args: Any, options: dict[str, Any]) -> "subprocess.Popen[bytes]": ...
    async def connect_read_pipe(self, protocol_factory: Any, pipe: Any) -> tuple[Any, Any]: ...
    async def connect_write_pipe(self, protocol_factory: Any, pipe: Any) -> tuple[Any, Any]: ...


async def start_subprocess(
    loop: Loop, protocol: Any, args: Any, options: dict[str, Any]
) -> "SubprocessTransport":
    """Starts a child and connects its pipes.

    Parameters:
        loop: the loop.
        protocol: an `asyncio.SubprocessProtocol`.
        args: the program and its arguments, or the shell's command.
        options: what else `subprocess.Popen` is to know.

    Returns:
        The transport, once `connection_made` was called.

    Raises:
        OSError: the child can't be started; nothing is left of it.
    """
    popen = loop._popen(args, options)
    try:
        transport = SubprocessTransport(loop, protocol, popen)
    except BaseException:
        for file in (popen.stdin, popen.stdout, popen.stderr):
            if file is not None:
                file.close()
        popen.kill()
        popen.wait()
        raise
    try:
        await transport._connect()
    except BaseException as exc:
        transport.close()
        if not isinstance(exc, (SystemExit, KeyboardInterrupt)):
            await transport._wait()
        raise
    return transport


class SubprocessTransport(asyncio.SubprocessTransport):
    """A running child process.

    Parameters:
        loop: the loop.
        protocol: an `asyncio.SubprocessProtocol`.
        popen: the child.
    """

    _closed = True  # until there is something to close

    def __init__(self, loop: Loop, protocol: Any, popen: subprocess.Popen[bytes]) -> None:
        super().__init__({"subprocess": popen})
        self._loop = loop
        self._protocol = protocol
        self._popen: subprocess.Popen[bytes] | None = popen
        self._pid = popen.pid
        self._returncode: int | None = None
        self._exit_waiters: set[asyncio.Future[int]] = set()
        # What `set_priority` said; until then the context of each call has the say.
        self._said: Priority | None = None
        self._named = current_priority.get(Priority.DEFAULT)
        # What can't be told yet; None from `connection_made` on.
        self._kept_back: list[tuple[Any, ...]] | None = []
        self._files = {
            fd: file
            for fd, file in ((STDIN, popen.stdin), (STDOUT, popen.stdout), (STDERR, popen.stderr))
            if file is not None
        }
        self._pipes: dict[int, _Pipe] = {}
        self._exit = ExitWatch(loop, popen, self._exited)
        self._closed = False
        loop._subprocesses.add(self)

    def __repr__(self) -> str:
        info = [type(self).__name__]
        if self._closed:
            info.append("closed")
        info.append(f"pid={self._pid}")
        info.append("running" if self._returncode is None else f"returncode={self._returncode}")
        for fd, name in ((STDIN, "stdin"), (STDOUT, "stdout"), (STDERR, "stderr")):
            if fd in self._pipes:
                info.append(f"{name}={self._pipes[fd].transport!r}")
        return f"<{' '.join(info)}>"

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        if not self._closed:
            try:
                # It raises where warnings are errors.
                _warn(f"unclosed transport {self!r}", ResourceWarning, source=self)
            finally:
                self.close()

    def get_pid(self) -> int:
        """Returns the child's process id."""
        return self._pid

    def get_returncode(self) -> int | None:
        """Returns the return code, negative for a signal, None while the child runs."""
        return self._returncode

    def get_pipe_transport(self, fd: int) -> Any:
        """Returns the transport of the pipe to the child's stdin, stdout or stderr.

        Parameters:
            fd: 0, 1 or 2.

        Returns:
            The transport, None where there is no pipe.
        """
        pipe = self._pipes.get(fd)
        return None if pipe is None else pipe.transport

    def get_protocol(self) -> Any:
        """Returns the protocol."""
        return self._protocol

    def set_protocol(self, protocol: Any) -> None:
        """Sets the protocol; events go to it from now on."""
        self._protocol = protocol

    def get_priority(self) -> Priority:
        """Returns the `Priority` of the child's pipes and of the news of its end."""
        return self._named if self._said is None else self._said

    def set_priority(self, priority: Priority | int | None) -> None:
        """Sets the `Priority` of the child's pipes and of the news of its end, from now on.

        Parameters:
            priority: a `Priority`; None for the one that the current context names.

        Raises:
            ValueError: it is not one of the five.
        """
        self._said = Priority(Priority.URGENT + priority_level(priority))
        self._exit.set_priority(self._said)
        for pipe in self._pipes.values():
            pipe.transport.set_priority(self._said)

    def is_closing(self) -> bool:
        """Returns True once `close()` was called."""
        return self._closed

    def send_signal(self, signal: int) -> None:
        """Sends the child a signal; does nothing between its end and `connection_lost`.

        Raises:
            ProcessLookupError: the child has ended, and all was told of it.
        """
        if self._popen is None:
            raise ProcessLookupError(f"process {self._pid} has ended")
        if self._returncode is None:
            self._exit.send_signal(signal)

    def terminate(self) -> None:
        """Sends SIGTERM; errors are those of `send_signal`."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL; errors are those of `send_signal`."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Closes the pipes, and kills the child if it still runs."""
        if self._closed:
            return
        self._closed = True
        is_loop_closed = self._loop.is_closed()
        for fd, file in self._files.items():
            pipe = self._pipes.get(fd)
            if pipe is not None and not is_loop_closed:
                pipe.transport.close()
            elif pipe is None or not pipe.disconnected:
                # No transport, or no loop to close it.
                if pipe is not None:
                    pipe.transport._pipe = None
                file.close()
        popen = self._popen
        # Asked itself: the child may have ended without the loop knowing yet.
        if popen is None or self._returncode is not None or popen.poll() is not None:
            return
        if self._loop.get_debug():
            logger.warning("Close running child process: kill %r", self)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            popen.kill()
        if is_loop_closed:
            reap_in_thread(popen)

    async def _connect(self) -> None:
        for fd, file in self._files.items():
            connect = self._loop.connect_write_pipe if fd == STDIN else self._loop.connect_read_pipe
            pipe = _Pipe(self, fd)
            pipe.transport, self._pipes[fd] = await connect(lambda pipe=pipe: pipe, file)
        waiter = self._loop.create_future()
        self._loop.call_soon(self._begin, waiter)
        await waiter

    def _begin(self, waiter: asyncio.Future[None]) -> None:
        try:
            self._protocol.connection_made(self)
        finally:
            kept_back, self._kept_back = self._kept_back or [], None
            for call in kept_back:
                self._loop.call_soon(*call, priority=self._said)
            if not waiter.done():
                waiter.set_result(None)

    def _tell(self, callback: Callable[..., object], *args: Any) -> None:
        if self._kept_back is None:
            self._loop.call_soon(callback, *args, priority=self._said)
        else:
            self._kept_back.append((callback, *args))

    def _pipe_data(self, fd: int, data: bytes) -> None:
        if self._kept_back is None:
            self._protocol.pipe_data_received(fd, data)
        else:
            self._kept_back.append((self._protocol.pipe_data_received, fd, data))

    def _pipe_lost(self, fd: int, exc: Exception | None) -> None:
        self._tell(self._protocol.pipe_connection_lost, fd, exc)
        self._finish_if_all_is_over()

    def _exited(self, returncode: int) -> None:
        if self._loop.get_debug():
            logger.info("%r exited with return code %r", self, returncode)
        self._returncode = returncode
        self._loop._subprocesses.discard(self)
        self._tell(self._protocol.process_exited)
        self._finish_if_all_is_over()
        # Even if a pipe is still open: a child of the child may hold it for ever.
        self._loop.call_soon(self._wake_waiters, returncode, priority=self._said)

    def _finish_if_all_is_over(self) -> None:
        if self._returncode is None:
            return
        if all(fd in self._pipes and self._pipes[fd].disconnected for fd in self._files):
            self._tell(self._finish)

    def _finish(self) -> None:
        try:
            self._protocol.connection_lost(None)
        finally:
            self._popen = None
            self._protocol = None

    def _wake_waiters(self, returncode: int) -> None:
        for waiter in self._exit_waiters:
            if not waiter.done():
                waiter.set_result(returncode)
        self._exit_waiters.clear()

    def _forget(self) -> None:
        """Watches no more, because the loop closes."""
        self._exit.close()

    async def _wait(self) -> int:
        """Waits for the child's end; returns its return code. asyncio's `Process` calls it."""
        if self._returncode is not None:
            return self._returncode
        waiter: asyncio.Future[int] = self._loop.create_future()
        self._exit_waiters.add(waiter)
        try:
            return await waiter
        finally:
            self._exit_waiters.discard(waiter)


class _Pipe(asyncio.Protocol):
    """The protocol of one pipe: passes its events on to the process."""

    def __init__(self, process: SubprocessTransport, fd: int) -> None:
        self._process = process
        self._fd = fd
        self.transport: Any = None
        self.disconnected = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._process._pipe_data(self._fd, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.disconnected = True
        self._process._pipe_lost(self._fd, exc)

    def pause_writing(self) -> None:
        self._process._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._process._protocol.resume_writing()
