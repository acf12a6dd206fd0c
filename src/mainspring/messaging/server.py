"""`Server`: endpoints, served on a topic.

    server = Server("memory://", Target(topic="math", server="one"), [Math()])
    async with server:
        ...

Leaving the block drains: what is in hand is finished and answered, and nothing new is taken.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self

from mainspring.messaging.admission import Cap
from mainspring.messaging.dedup import Duplicates
from mainspring.messaging.dispatcher import Dispatcher
from mainspring.messaging.endpoint import DefaultRPCAccessPolicy, RPCAccessPolicy
from mainspring.messaging.errors import InvalidTarget
from mainspring.messaging.participant import Receiver
from mainspring.messaging.reply import Reply, reply_of
from mainspring.messaging.service import Service
from mainspring.messaging.statistics import ServerStatistics
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Subscription, Transport

__all__ = ["Server"]


class Server(Receiver):
    """Serves endpoints.

    Parameters:
        transport: a transport, or the URL of one, which is then this server's own and closed with
            it.
        target: exchange, topic and the server's own name.
        endpoints: objects whose methods are called.
        ack: `"early"`: a request is settled before it runs: it runs at most once, and is lost if
            the process dies. `"late"`: after it was answered: if the process dies or loses its
            connection it is delivered again, and duplicates are told by their id: see
            `duplicate_window`, `reply_cache`.
        concurrency: how many calls run at once. Where each method has a limit of its own, no more
            than all of these together.
        backlog: how many more may be here and wait. The broker keeps the rest.
        threads: how many threads there are for plain functions.
        access_policy: which methods may be called; those without a leading underscore by default.
        typed: True has type hints checked and converted where a method doesn't say otherwise.
        ping: whether `Client.ping` is answered.
        duplicate_window: of how many requests that are done the ids are remembered.
        reply_cache: of how many the answers are kept, with `ack="late"`.

    Raises:
        InvalidTarget: the target has no topic or no server, or is a fanout.
        InvalidEndpoint: an object can't be an endpoint.
        ImportError: `typed`, and msgspec isn't installed.
        ValueError: a number or a word has no meaning.
    """

    def __init__(
        self,
        transport: Transport | str,
        target: Target,
        endpoints: Sequence[object],
        *,
        ack: Literal["early", "late"] = "early",
        concurrency: int = 1000,
        backlog: int = 100,
        threads: int = 64,
        access_policy: RPCAccessPolicy | None = None,
        typed: bool = False,
        ping: bool = True,
        duplicate_window: int = 10_000,
        reply_cache: int = 1_000,
    ) -> None:
        if not target.topic or not target.server or target.fanout:
            raise InvalidTarget("a server needs a topic and a name, and is no fanout", target)
        if ack not in ("early", "late"):
            raise ValueError(f"ack must be 'early' or 'late', not {ack!r}")
        if backlog < 1:
            raise ValueError(f"backlog must be 1 or more, not {backlog!r}")
        super().__init__(transport)
        self.target = target
        self._late = ack == "late"
        self._threads = threads
        self._dispatcher = Dispatcher(
            endpoints, access_policy or DefaultRPCAccessPolicy(), typed, ping
        )
        self._duplicates = Duplicates(duplicate_window, reply_cache if self._late else 0)
        most = self._bound(concurrency, threads)
        self.prefetch = backlog + (most if self._late else 0)
        self._service: Service | None = None
        self._subscription: Subscription | None = None

    def _bound(self, concurrency: int, threads: int) -> int:
        """Gives each method its caps; returns how many calls can run at once."""
        everything, pool = Cap(concurrency), Cap(threads)
        sum_of_caps: float = 0
        for method in self._dispatcher.methods:
            limits: list[float] = [cap.limit for cap in method.caps]
            if method.run == "thread":
                method.caps.append(pool)
            method.caps.append(everything)
            sum_of_caps += min(limits, default=float("inf"))
        return int(min(concurrency, max(1, sum_of_caps)))

    def __repr__(self) -> str:
        return f"<Server of {self.target} on {self.transport.url.transport}://>"

    def start(self) -> Reply[None]:
        """Begins to serve.

        Returns:
            What is done when calls arrive.

        Raises:
            RuntimeError: this thread's loop is another than the transport's.
        """
        return reply_of(self._calls.attach(), self._start())

    def stop(self, timeout: float | None = None) -> Reply[None]:
        """Drains: takes nothing more, finishes and answers what is in hand, and leaves.

        Parameters:
            timeout: seconds, after which what still runs is cancelled (its callers get
                `ServerBusy`, or with `ack="late"` another server gets it), and what waits is given
                back to the broker.

        Returns:
            What is done when the server has left. It can be started again, unless its transport was
            its own.
        """
        return reply_of(self._calls.attach(), self._stop(timeout))

    async def serve_forever(self) -> None:
        """Serves until it is cancelled, then drains."""
        async with self:
            await asyncio.get_running_loop().create_future()

    def statistics(self) -> ServerStatistics:
        """Returns what the server has done since it was started."""
        return ServerStatistics() if self._service is None else self._service.statistics()

    def __enter__(self) -> Self:
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("in a coroutine it is `async with` a server, not `with`")
        self.start().result()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop().result()

    async def _start(self) -> None:
        if self._subscription is not None:
            return
        self._service = Service(
            self.transport,
            asyncio.get_running_loop(),
            self._dispatcher,
            self._duplicates,
            self._threads,
            self._late,
        )
        await self.transport.connected()
        self._subscription = await self.transport.serve(self.target, self._service, self.prefetch)

    async def _stop(self, timeout: float | None) -> None:
        subscription, service = self._subscription, self._service
        self._subscription = None
        if subscription is not None and service is not None:
            await subscription.stop()
            await _drain(service, timeout)
            await subscription.close()
            service.close()
        await self._close_own()


async def _drain(service: Service, timeout: float | None) -> None:
    """Waits until all that a service has in hand is over.

    Parameters:
        service: gets nothing more.
        timeout: seconds, after which what runs is cancelled, and what waits is given back; None: it
            takes as long as it takes.
    """
    if not await _idle(service, timeout):
        service.give_up()
        # Tasks end when they have cleaned up.
        await _idle(service, None)


async def _idle(service: Service, timeout: float | None) -> bool:
    """Waits until nothing is in hand; returns False if it isn't so after `timeout` seconds."""
    if service.idle():
        return True
    try:
        async with asyncio.timeout(timeout):
            await service.until_idle.wait()
    except TimeoutError:
        return False
    return True
