"""`Worker`: a gunicorn worker whose requests are green threads on the loop.

    gunicorn -k mainspring.compat.gunicorn.Worker app:app

HTTP, hooks and logs are gunicorn's own, as in its other workers for green threads. The main green
thread sends the heartbeat: a worker whose loop is held up for longer than `timeout` is killed.

What a signal asks for is done by the loop: a handler runs in the middle of anything.
"""

import asyncio
import functools
import os
from collections.abc import Callable
from typing import Any

try:
    from gunicorn.sock import ssl_context
    from gunicorn.workers.base_async import AsyncWorker
except ModuleNotFoundError as error:
    if error.name != "gunicorn":
        raise
    raise ModuleNotFoundError(
        "mainspring.compat.gunicorn needs gunicorn: pip install gunicorn", name="gunicorn"
    ) from None

from mainspring.green.calls import spawn
from mainspring.green.errors import GreenletExit
from mainspring.green.group import Pool
from mainspring.green.patching.patcher import PATCHER
from mainspring.green.patching.table import TABLE
from mainspring.green.run import run
from mainspring.green.server import StreamServer
from mainspring.green.timeouts import Timeout
from mainspring.green.waiting import await_

__all__ = ["UnpatchedWorker", "Worker"]

# Seconds between two heartbeats at most.
HEARTBEAT = 1.0


class UnpatchedWorker(AsyncWorker):
    """A worker that leaves the stdlib as it is: the application waits with `mainspring.green`."""

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._pool = Pool(self.worker_connections)
        self._is_quick = False

    def run(self) -> None:
        """Serves until the worker is to end, and then what is under way."""
        run(self._serve)

    def notify(self) -> None:
        """Sends a heartbeat; ends the worker if the arbiter has gone."""
        super().notify()
        if self.ppid != os.getppid() and self.alive:
            self.log.info("Parent changed, shutting down: %s", self)
            self.alive = False

    def timeout_ctx(self) -> Timeout:
        """Returns what ends the wait for a request on a connection that is kept alive."""
        return Timeout(self.cfg.keepalive, False)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Has the application answer a request."""
        try:
            return super().handle_request(listener_name, req, sock, addr)
        except GreenletExit:
            # Its time was over when the worker ended.
            raise StopIteration from None
        finally:
            if not self.alive and self._end is not None:
                self._end.set()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Any) -> None:
        """Answers a request that failed; whoever is idle when the worker ends has asked nothing."""
        if not isinstance(exc, GreenletExit):
            super().handle_error(req, client, addr, exc)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: ends when what is under way has been served."""
        self.alive = False
        if self._end is not None:
            self._soon(self._end.set)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """SIGQUIT and SIGINT: ends now."""
        if self._end is None:
            super().handle_quit(sig, frame)
        else:
            self._soon(self._quit)

    def handle_usr1(self, sig: int, frame: Any) -> None:
        """SIGUSR1: opens the log files anew."""
        if self._end is None:
            super().handle_usr1(sig, frame)
        else:
            self._soon(super().handle_usr1, sig, frame)

    def _soon(self, function: Callable[..., object], *args: Any) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(function, *args)

    def _quit(self) -> None:
        assert self._end is not None
        self.alive = False
        self._is_quick = True
        self.cfg.worker_int(self)
        self._end.set()
        self._pool.kill(block=False)

    def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        servers = [self._start(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._wait(self._end.wait())
        for server in servers:
            server.close()
        self._finish()
        for server in servers:
            server.stop(0)

    def _finish(self) -> None:
        """Waits until what is under way has been served, for `graceful_timeout` at most."""
        assert self._loop is not None
        deadline = self._loop.time() + self.cfg.graceful_timeout
        ended = spawn(self._pool.join)
        while not ended.done() and not self._is_quick:
            left = deadline - self._loop.time()
            if left <= 0:
                self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
                return
            self.notify()
            self._wait(asyncio.wait([ended]), left)

    def _start(self, listener: Any) -> StreamServer:
        """Accepts on one of gunicorn's sockets."""
        server = StreamServer(
            listener.sock,
            functools.partial(self.handle, listener),
            spawn=self._pool,
            ssl_context=ssl_context(self.cfg) if self.cfg.is_ssl else None,
        )
        server.start()
        return server

    def _wait(self, awaitable: Any, seconds: float = HEARTBEAT) -> None:
        """Waits for so long at most, or until it is time for a heartbeat."""
        if self.timeout:
            seconds = min(seconds, self.timeout / 2)
        try:
            await_(asyncio.wait_for(awaitable, min(seconds, HEARTBEAT)))
        except TimeoutError:
            pass


class Worker(UnpatchedWorker):
    """A worker that patches the stdlib's modules before it loads the application.

    What blocks in the application then holds up its own request only; see `mainspring.patch`.
    """

    def init_process(self) -> None:
        """Begins the life of the process: patches, loads the application, and runs."""
        PATCHER.install(tuple(TABLE))
        super().init_process()
