"""`Connection`: one connection of nats-py's, from its login to its loss.

nats-py would reconnect by itself; it would then send what it had kept, however late, and give up
for good on errors that pass. So a connection here ends with its first loss, and `Link` makes
another.

The server takes things in the order in which they were sent, so what it has can be asked by a
message to oneself. nats-py's own way, a PING, overtakes what was published in the same moment.

nats-py logs in, and hears what the server says besides; messages come and go without it, over
`MessageStream`.
"""

import asyncio
import itertools
import logging
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from nats import errors as nats_errors
from nats.aio.client import Server

from mainspring.messaging.errors import ConnectionLost, MessagingError
from mainspring.messaging.nats.errors import Refused
from mainspring.messaging.nats.login import LoginTransport, client_over
from mainspring.messaging.nats.options import Options, Place
from mainspring.messaging.nats.reader import Msg

__all__ = ["Connection", "logger"]

logger = logging.getLogger("mainspring.messaging.nats")

# Seconds that the last bytes have to leave.
_FAREWELL = 2.0
_DENIED = "permissions violation"


class Connection:
    """A connection to a NATS server.

    Parameters:
        loop: the loop.
        place: the server.

    Attributes:
        where: host and port.
        error: why it has gone; None while it holds.
        on_lost: is called once with the error when it has gone.
        on_denied: is called with the server's words when it doesn't allow a subject.
    """

    error: BaseException | None
    on_lost: Callable[[BaseException], None]

    def __init__(self, loop: asyncio.AbstractEventLoop, place: Place) -> None:
        self.where = place.where
        self.error = None
        self.on_lost = _ignore
        self.on_denied: Callable[[str], None] = _ignore
        self._loop = loop
        self._place = place
        self._below = LoginTransport(loop)
        self._stream = self._below.stream
        self._client = client_over(self._below)
        self._numbers = itertools.count(1)
        self._is_open = False
        self._denied: list[str] = []
        self._heartbeat: asyncio.Task[None] | None = None
        # A message to oneself that comes back calls the first of these.
        self._echo = ""
        self._asked: deque[Callable[[], None]] = deque()
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def max_payload(self) -> int:
        """How many bytes a message may have at this server."""
        return self._client.max_payload

    @property
    def version(self) -> str:
        """The server's version."""
        return repr(self._client.connected_server_version)

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent."""
        return self._stream.unsent()

    async def open(
        self,
        context: ssl.SSLContext | None,
        options: Options,
        inbox: str,
        receive: Callable[[Msg], None],
    ) -> None:
        """Connects, logs in, and has answers delivered.

        Parameters:
            context: TLS, or None.
            options: the rest.
            inbox: what the subjects of answers begin with; one token follows.
            receive: takes the answers; doesn't raise.

        Raises:
            Exception: as nats-py has it; `open_connection` tells what it means.
        """
        place = self._place

        def secret(text: str | None) -> Any:
            def tell() -> str | None:
                # Called when it is known whether there is TLS, and before anything is sent.
                self._check_tls(context)
                return text

            return None if text is None else tell

        await self._client.connect(
            servers=[f"nats://{place.where}"],
            name=options.name,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            closed_cb=self._on_disconnected,
            # A step's patience; all of them together have as much.
            connect_timeout=options.connection_timeout,  # type: ignore[arg-type]
            # Ours notices a silent server sooner, and when it can't be written to.
            ping_interval=1 << 30,
            reconnect_to_server_handler=_stay_away,
            tls=context,
            tls_hostname=place.host if context is not None else None,
            user=secret(place.user),
            password=secret(place.password),
            token=secret(place.token),
            user_credentials=options.credentials_file or None,
            nkeys_seed=options.nkey_seed_file or None,
        )
        self._check_tls(context)
        if not self._below.is_connected:
            raise RuntimeError("this release of nats-py connects over a transport of its own")
        self._is_open = True
        self._echo = f"{inbox}-echo"
        self.subscribe(self._echo, "", self._on_echo)
        self.subscribe(f"{inbox}.*", "", receive, True)
        await self.confirmed(options.connection_timeout)
        self._heartbeat = self._loop.create_task(
            self._beat(options.heartbeat), name=f"listens for NATS at {self.where}"
        )

    def _check_tls(self, context: ssl.SSLContext | None) -> None:
        if context is not None and not self._below.has_tls:
            raise Refused(f"NATS at {self.where} has no TLS, and the URL asks for it")

    def publish(
        self, subject: str, body: bytes, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Sends a message, with the others of this moment; without a connection nothing happens.

        Parameters:
            subject: where to.
            body: what.
            reply: where the answer goes; empty for nowhere.
            headers: names and values that a line can carry; None for none.
        """
        self._stream.publish(subject, body, reply, None if headers is None else _block(headers))

    def subscribe(
        self,
        subject: str,
        queue: str,
        receive: Callable[[Msg], None],
        wants_token: bool = False,
    ) -> int:
        """Has messages delivered from now on; returns the subscription's number.

        Parameters:
            subject: whose, wildcards included.
            queue: the queue group; empty for none.
            receive: takes each message; what it raises, the loop is told.
            wants_token: whether it needs the last token of the subject.
        """
        number = next(self._numbers)
        self._stream.reader.subscribe(number, receive, wants_token)
        self._stream.write(f"SUB {subject} {queue} {number}\r\n".encode())
        return number

    def ask(self, tell: Callable[[], None]) -> None:
        """Has something called once the server has everything that was sent until now.

        Parameters:
            tell: what to call; it isn't if the connection breaks before. Doesn't raise.
        """
        self._asked.append(tell)
        self.publish(self._echo, b"")

    async def confirmed(self, timeout: float = 30.0) -> None:
        """Waits until the server has everything that was sent until now.

        Parameters:
            timeout: seconds.

        Raises:
            ConnectionLost: it hasn't said so in time, or the connection has gone.
            Refused: we may not hear what we say to ourselves.
        """
        if self.error is not None:
            raise self.error
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.add(waiter)
        self.ask(partial(_settle, waiter))
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            raise ConnectionLost(f"NATS at {self.where} says nothing for {timeout:g} s") from None
        finally:
            self._waiters.discard(waiter)

    async def unsubscribe(self, number: int) -> None:
        """Ends a subscription; all that was on its way has been delivered when this returns."""
        self._stream.write(f"UNSUB {number}\r\n".encode())
        try:
            await self.confirmed()
        except MessagingError:
            # It has ended with its connection.
            pass
        self._stream.reader.unsubscribe(number)

    def _on_echo(self, _: Msg) -> None:
        if self._asked:
            self._asked.popleft()()

    def denial_of(self, subject: str) -> str | None:
        """Returns what the server has said if it doesn't allow a subject, else None."""
        # nats-py has made it lower case.
        wanted = f'"{subject.lower()}"'
        return next((words for words in self._denied if wanted in words), None)

    async def close(self) -> None:
        """Leaves; what was sent has a moment to go out."""
        self.on_lost = self.on_denied = _ignore
        if self.error is None:
            self.error = ConnectionLost(f"the connection to NATS at {self.where} was closed")
            self._fail_waiters(self.error)
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.cancel()
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._client.close()
        except (OSError, TimeoutError, nats_errors.Error):
            # It was broken already, or what is unsent can't go out.
            pass
        finally:
            # nats-py would wait until what was written has gone out.
            self._stream.abort()

    def _lose(self, error: BaseException) -> None:
        if self.error is not None:
            return
        self.error = error
        self._fail_waiters(error)
        on_lost, self.on_lost = self.on_lost, _ignore
        on_lost(error)

    def _fail_waiters(self, error: BaseException) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    async def _beat(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            try:
                await self.confirmed(interval)
            except MessagingError as exc:
                self._lose(exc)
                return

    async def _on_error(self, error: Exception) -> None:
        """Is told by nats-py of each error; what it raises ends an attempt to connect."""
        if not self._is_open:
            raise error
        text = str(error)
        if _DENIED in text:
            self._denied.append(text)
            del self._denied[:-100]
            logger.error("NATS at %s: %s", self.where, text)
            if self.denial_of(self._echo) is not None:
                self._fail_waiters(Refused(f"NATS at {self.where}: {text}"))
            self.on_denied(text)
        elif self.error is None:
            logger.info("NATS at %s: %s", self.where, text or type(error).__name__)

    async def _on_disconnected(self) -> None:
        if self._is_open:
            self._lose(self._broken(self._below.error or self._client.last_error))

    def _broken(self, why: BaseException | None) -> ConnectionLost:
        return ConnectionLost(f"the connection to NATS at {self.where} broke: {why or 'ended'}")


def _block(headers: dict[str, str]) -> bytes:
    """Returns headers as they are sent."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"NATS/1.0\r\n{''.join(lines)}\r\n".encode()


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _stay_away(servers: list[Server], info: dict[str, Any]) -> tuple[Server | None, float]:
    """Has nats-py not reconnect: it waits, until it is closed."""
    return None, 1e6


def _ignore(_: object) -> None:
    """Does nothing."""
