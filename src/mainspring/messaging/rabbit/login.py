"""The beginning of a connection: who we are, what both sides can do, and which virtual host."""

import os
import sys
from dataclasses import dataclass, field
from typing import Any

from mainspring.messaging.errors import MessagingError
from mainspring.messaging.rabbit.channel import Channel
from mainspring.messaging.rabbit.errors import ConnectionClosed, Refused
from mainspring.messaging.rabbit.methods import commands, table

__all__ = ["Login", "Tuning", "log_in"]

_ACCESS_REFUSED = 403
_NOT_ALLOWED = 530
_CAPABILITIES = {
    "publisher_confirms": True,
    "consumer_cancel_notify": True,
    "connection.blocked": True,
    "basic.nack": True,
    # So that a wrong password is said to be one, instead of the connection being dropped.
    "authentication_failure_close": True,
}


@dataclass(frozen=True)
class Login:
    """What a client tells a broker of itself.

    Attributes:
        username: the user.
        password: the password.
        virtual_host: the virtual host.
        method: `"PLAIN"`, `"AMQPLAIN"` or `"EXTERNAL"` (the name is that of the certificate).
        heartbeat: the seconds between heartbeats that are wished for; 0 for none.
    """

    username: str
    password: str = field(repr=False)
    virtual_host: str = "/"
    method: str = "PLAIN"
    heartbeat: int = 60

    def response(self) -> str:
        """Returns what the login method says to the broker.

        Raises:
            MessagingError: the name or the password is too long for the method.
        """
        if self.method == "EXTERNAL":
            return ""
        if self.method == "PLAIN":
            return f"\0{self.username}\0{self.password}"
        try:
            # pamqp sends text. A table is some, as long as its lengths are below 128.
            return table({"LOGIN": self.username, "PASSWORD": self.password}).decode()
        except UnicodeDecodeError:
            raise MessagingError(
                "a name or a password of more than 127 bytes; say rabbit_login_method=PLAIN"
            ) from None


@dataclass(frozen=True)
class Tuning:
    """What client and broker have agreed on.

    Attributes:
        channel_max: the highest number of a channel.
        frame_max: the longest frame in bytes.
        heartbeat: the seconds between heartbeats; 0 for none.
        version: the version of the broker, as `"3.10.8"`.
    """

    channel_max: int
    frame_max: int
    heartbeat: int
    version: str


async def log_in(control: Channel, login: Login) -> Tuning:
    """Goes through the beginning on a connection's channel 0.

    Raises:
        Refused: the broker doesn't let us in.
        MessagingError: it speaks no AMQP 0-9-1 with a login method of ours.
    """
    where = control.connection.where
    start = await control.expect(commands.Connection.Start)
    offered = str(start.mechanisms).split()
    if login.method not in offered:
        raise MessagingError(
            f"RabbitMQ at {where} offers the login methods {', '.join(offered)}, not "
            f"{login.method}; say rabbit_login_method="
        )
    control.send(_start_ok(login))
    try:
        tune = await control.expect(commands.Connection.Tune)
        tuning = Tuning(
            _smaller(tune.channel_max, 2047),
            _smaller(tune.frame_max, 131072),
            _smaller(tune.heartbeat, login.heartbeat) if login.heartbeat else 0,
            str(start.server_properties.get("version", "")),
        )
        control.send(
            commands.Connection.TuneOk(tuning.channel_max, tuning.frame_max, tuning.heartbeat)
        )
        await control.call(commands.Connection.Open(login.virtual_host), commands.Connection.OpenOk)
    except ConnectionClosed as exc:
        raise _explained(exc, login, where) from exc
    return tuning


def _start_ok(login: Login) -> commands.Connection.StartOk:
    program = os.path.basename(sys.argv[0]) or "python"
    about: dict[str, Any] = {
        "product": "Mainspring",
        "platform": f"Python {sys.version_info[0]}.{sys.version_info[1]}",
        "connection_name": f"{program}:{os.getpid()}",
        "capabilities": _CAPABILITIES,
    }
    return commands.Connection.StartOk(about, login.method, login.response(), "en_US")


def _smaller(theirs: int, ours: int) -> int:
    """Returns the smaller of two limits, where 0 is none."""
    return min(theirs, ours) if theirs and ours else theirs or ours


def _explained(closed: ConnectionClosed, login: Login, where: str) -> MessagingError:
    user, host = login.username, login.virtual_host
    if closed.code == _ACCESS_REFUSED:
        return Refused(
            f"RabbitMQ at {where} refuses the login of user {user!r} to virtual host {host!r}: "
            f"the name or the password is wrong ({closed.text})"
        )
    if closed.code == _NOT_ALLOWED:
        return Refused(
            f"RabbitMQ at {where} refuses user {user!r} the virtual host {host!r}: it doesn't "
            f"exist, or the user has no permission there ({closed.text})"
        )
    return closed
