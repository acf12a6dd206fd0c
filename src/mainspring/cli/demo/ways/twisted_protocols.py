"""Twisted on its own epoll reactor: protocols send and echo, delayed calls do the busy work.

Between two chunks there are two rounds of `callLater(0)`: the reactor looks at the sockets before
each, and after one round a connection that was ready has sent once only. That is the best we found
within its own means. Invariant: the reactor is the process's, so it is run once.
"""

import socket
from importlib import import_module
from typing import Any

from mainspring.cli.demo.registry import needs, register
from mainspring.cli.demo.work import BusyWork, Work


class _Sender:
    """A push producer that writes the messages; it stops when the transport says so.

    Args:
        work: where the messages come from.
        transport: the connection.
    """

    def __init__(self, work: Work, transport: Any) -> None:
        self._work = work
        self._transport = transport
        self._is_paused = False

    def resumeProducing(self) -> None:  # Twisted's names
        """Write until the transport holds enough."""
        self._is_paused = False
        while not self._is_paused:
            message = self._work.next_message()
            if not message:
                self._transport.unregisterProducer()
                self._transport.loseConnection()
                return
            self._transport.write(message)

    def pauseProducing(self) -> None:
        """Stop: the transport holds enough."""
        self._is_paused = True

    def stopProducing(self) -> None:
        """Stop for good: the receiver has left."""
        self._is_paused = True


def _protocols(reactor: Any, work: Work) -> tuple[Any, Any]:
    """Return the factories of the connection that sends and of the one that echoes."""
    protocol = import_module("twisted.internet.protocol")

    class Send(protocol.Protocol):  # type: ignore[misc, name-defined]
        def connectionMade(self) -> None:
            sender = _Sender(work, self.transport)
            self.transport.registerProducer(sender, True)
            sender.resumeProducing()

        def connectionLost(self, reason: Any) -> None:
            reactor.stop()

    class Echo(protocol.Protocol):  # type: ignore[misc, name-defined]
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    factories = []
    for kind in (Send, Echo):
        factory = protocol.ServerFactory()
        factory.protocol = kind
        factory.noisy = False
        factories.append(factory)
    return factories[0], factories[1]


def _be_busy(reactor: Any, busy: BusyWork) -> None:
    busy.chunk()
    reactor.callLater(0, reactor.callLater, 0, _be_busy, reactor, busy)


@register(
    "twisted",
    model="protocols, busy work with callLater(0)",
    order=37,
    unavailable=needs("twisted.internet.epollreactor"),
)
def run(work: Work) -> None:
    """Send `work` on Twisted's reactor; return when it is sent or the receiver left."""
    import_module("twisted.internet.epollreactor").install()
    reactor: Any = import_module("twisted.internet").reactor
    send, echo = _protocols(reactor, work)
    # Twisted has descriptors of its own of these.
    reactor.adoptStreamConnection(work.echo.fileno(), socket.AF_INET, echo)
    reactor.adoptStreamConnection(work.data.fileno(), socket.AF_INET, send)
    if work.busy is not None:
        reactor.callLater(0, _be_busy, reactor, work.busy)
    reactor.run(installSignalHandlers=False)
