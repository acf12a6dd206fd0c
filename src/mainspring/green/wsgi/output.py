"""`Output`: the sending half of a connection: bytes, and files; it counts what it has sent.

The bound of time is for each piece: a slow client is one that takes nothing, not one that takes
long.
"""

from typing import Any

from mainspring.green.socket_class import socket
from mainspring.green.wsgi.errors import Disconnected

__all__ = ["Output"]

# What a client must take within the time; a send buffer of the system's is about as large.
PIECE = 262144


class Output:
    """Sends over a connection.

    Parameters:
        connection: a green socket.
        timeout: seconds to wait until the client takes more.

    Attributes:
        sent: bytes of bodies, of the response that is under way.
    """

    __slots__ = ("_connection", "_timeout", "sent")

    def __init__(self, connection: socket, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self.sent = 0

    def send(self, data: bytes) -> None:
        """Sends all of it.

        Raises:
            Disconnected: the client has gone, or takes nothing.
        """
        try:
            self._connection.settimeout(self._timeout)
            if len(data) <= PIECE:
                self._connection.sendall(data)
                return
            view = memoryview(data)
            for start in range(0, len(data), PIECE):
                self._connection.sendall(view[start : start + PIECE])
        except OSError as exc:
            raise Disconnected(f"can't send: {exc}") from exc

    def send_file(self, file: Any, offset: int, count: int) -> None:
        """Sends a part of a file, by the system's own call if the connection is in plain text.

        Parameters:
            file: a regular file.
            offset: where in it to begin, in bytes.
            count: how many bytes.

        Raises:
            Disconnected: the client has gone, or takes nothing; or the file has become shorter.
        """
        try:
            self._connection.settimeout(self._timeout)
            sent = self._connection.sendfile(file, offset, count)
        except OSError as exc:
            raise Disconnected(f"can't send: {exc}") from exc
        self.sent += sent
        if sent < count:
            raise Disconnected(f"{file!r} ended {count - sent} bytes early")
