"""`Response`: `start_response`, and what becomes of what an application returns (PEP 3333).

Nothing is sent before the first byte of the body, or its end, is there: until then an application
may start another response, which is how an error becomes one. The body's length is known from the
application, or from what it returns, or it goes in chunks, or the connection's end is its own.
"""

import os
import stat
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from time import time
from types import TracebackType
from typing import Any
from wsgiref.util import is_hop_by_hop

from mainspring.green.wsgi.output import PIECE, Output
from mainspring.green.wsgi.request import Request

__all__ = ["FileWrapper", "Response"]

type ExcInfo = tuple[type[BaseException], BaseException, TracebackType]

NOT_IN_A_HEADER = frozenset("\r\n\0")


class FileWrapper:
    """`wsgi.file_wrapper`: a file as a response, which the system sends by itself if it can.

    Parameters:
        filelike: has `read(size)`; its `close`, if it has one, is called at the end.
        block_size: bytes to read at once.
    """

    def __init__(self, filelike: Any, block_size: int = 65536) -> None:
        self.filelike = filelike
        self.block_size = block_size
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> "FileWrapper":
        return self

    def __next__(self) -> bytes:
        data: bytes = self.filelike.read(self.block_size)
        if not data:
            raise StopIteration
        return data

    def regular_part(self) -> tuple[int, int] | None:
        """Returns where the file stands and how many bytes are left, if it is a regular one."""
        try:
            found = os.fstat(self.filelike.fileno())
            position = self.filelike.tell()
        except (AttributeError, OSError):
            return None
        if not stat.S_ISREG(found.st_mode) or not isinstance(position, int):
            return None
        return position, max(found.st_size - position, 0)


class Response:
    """The response to one request.

    Parameters:
        request: what is answered.
        output: where it goes.
        keeps_alive: False if the connection ends with this response.
        is_ending: asked when the head is sent: True if the server ends meanwhile.

    Attributes:
        status: as the application gave it.
        headers: pairs of name and value, as the application gave them.
        keeps_alive: False once it is clear that the connection can't go on.
        is_sent: True if the head has been sent.
    """

    def __init__(
        self,
        request: Request,
        output: Output,
        keeps_alive: bool,
        is_ending: Callable[[], bool],
    ) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.keeps_alive = keeps_alive
        self.is_sent = False
        self._request = request
        self._output = output
        self._is_ending = is_ending
        self._length: int | None = None
        self._is_chunked = False
        self._has_body = True
        output.sent = 0

    @property
    def sent(self) -> int:
        """Bytes of the body that have been sent."""
        return self._output.sent

    def start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: ExcInfo | None = None,
    ) -> Callable[[bytes], None]:
        """Is `start_response`.

        Parameters:
            status: a number of three digits, a space and a reason.
            headers: pairs of name and value.
            exc_info: why this response replaces one that has been started; raised if that one is on
                its way.

        Returns:
            `write(data)`, which sends at once.

        Raises:
            AssertionError: a response has been started, and there is no `exc_info`.
            TypeError, ValueError: that is no status, or no header that an application may set.
        """
        if exc_info is not None:
            try:
                if self.is_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status:
            raise AssertionError("start_response() was called before, and there is no exc_info")
        _check_status(status)
        length = _check_headers(headers)
        self.status = status
        self.headers = list(headers)
        self._length = length
        return self.write

    def write(self, data: bytes) -> None:
        """Sends a part of the body, after the head if that hasn't been sent."""
        if not isinstance(data, bytes):
            raise TypeError(f"a body is made of bytes, got {data!r:.100}")
        if data:
            self._send(data)

    def send_all(self, result: Iterable[bytes]) -> None:
        """Sends what an application has returned, to its end.

        Raises:
            Disconnected: the client has gone.
            Exception: what the application's iterator raises.
        """
        if isinstance(result, FileWrapper) and not self.is_sent:
            part = result.regular_part()
            if part is not None and self.status:
                self._send_file(result, *part)
                return
        if isinstance(result, (list, tuple)) and self.status and not self.is_sent:
            # All of it is there: one write, and the length is known.
            data = result[0] if len(result) == 1 else b"".join(result)
            # An empty one is no answer to how long the body would be that HEAD isn't sent.
            if self._length is None and (data or self._request.method != "HEAD"):
                self._length = len(data)
            self.write(data)
        else:
            for data in result:
                self.write(data)
        self.finish()

    def finish(self) -> None:
        """Sends what is left: the head if there is no body, and the last chunk.

        Raises:
            ValueError: the body is shorter than the application has said.
        """
        if not self.is_sent:
            if self._length is None and self._request.method != "HEAD":
                self._length = 0
            self._output.send(self._head())
        if self._is_chunked:
            self._output.send(b"0\r\n\r\n")
        elif self._has_body and self._length is not None and self._output.sent < self._length:
            self.keeps_alive = False
            raise ValueError(
                f"the body has {self._output.sent} bytes, and its Content-Length is {self._length}"
            )

    def fail(self, status: HTTPStatus) -> None:
        """Answers with an error, if nothing has been sent; the connection then ends.

        Parameters:
            status: the error.
        """
        self.keeps_alive = False
        if self.is_sent:
            return
        text = f"{status.value} {status.phrase}\n".encode()
        self.status = f"{status.value} {status.phrase}"
        self.headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
        self._length = len(text)
        self.write(text)

    def _send(self, data: bytes) -> None:
        head = b"" if self.is_sent else self._head()
        if not self._has_body:
            if head:
                self._output.send(head)
            return
        excess = 0
        if self._length is not None:
            excess = self._output.sent + len(data) - self._length
            if excess > 0:
                data = data[: max(len(data) - excess, 0)]
        self._output.sent += len(data)
        if self._is_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if head and len(data) > PIECE:
            self._output.send(head)
            head = b""
        self._output.send(head + data if head else data)
        if excess > 0:
            self.keeps_alive = False
            raise ValueError(
                f"the body is at least {excess} bytes longer than its Content-Length, "
                f"{self._length}"
            )

    def _send_file(self, wrapper: FileWrapper, offset: int, count: int) -> None:
        if self._length is None:
            self._length = count
        self._output.send(self._head())
        if self._has_body:
            count = min(count, self._length)
            if count:
                self._output.send_file(wrapper.filelike, offset, count)
        self.finish()

    def _head(self) -> bytes:
        """Returns the head, and says from now on how the body goes."""
        if not self.status:
            raise AssertionError("the application hasn't called start_response()")
        request = self._request
        code = int(self.status[:3])
        names = {name.lower() for name, _ in self.headers}
        lines = [f"HTTP/1.1 {self.status}\r\n"]
        lines += [
            f"{name}: {value}\r\n" for name, value in self.headers if name.lower() != "connection"
        ]
        if "date" not in names:
            lines.append(f"Date: {_date()}\r\n")
        if "server" not in names:
            lines.append("Server: mainspring\r\n")
        may_have_body = code not in (204, 304)
        self._has_body = may_have_body and request.method != "HEAD"
        if may_have_body and "content-length" not in names:
            if self._length is not None:
                lines.append(f"Content-Length: {self._length}\r\n")
            elif self._has_body and request.version == "1.1":
                self._is_chunked = True
                lines.append("Transfer-Encoding: chunked\r\n")
            elif self._has_body:
                self.keeps_alive = False
        if self._is_ending() or _asks_to_close(self.headers):
            self.keeps_alive = False
        if not self.keeps_alive:
            lines.append("Connection: close\r\n")
        elif request.version == "1.0":
            lines.append("Connection: keep-alive\r\n")
        lines.append("\r\n")
        head = "".join(lines).encode("latin-1")
        self.is_sent = True
        return head


def _check_status(status: str) -> None:
    if not isinstance(status, str):
        raise TypeError(f"a status is a str, got {status!r}")
    code, reason = status[:3], status[3:]
    if not (code.isascii() and code.isdigit() and reason[:1] == " "):
        raise ValueError(f"a status is three digits, a space and a reason, got {status!r}")
    if int(code) < 200:
        raise ValueError(f"an application can't send {status!r}, which isn't the response yet")
    if not NOT_IN_A_HEADER.isdisjoint(status):
        raise ValueError(f"a status has no line end in it, got {status!r}")


def _check_headers(headers: list[tuple[str, str]]) -> int | None:
    """Returns the Content-Length among headers that an application may set."""
    length: int | None = None
    for name, value in headers:
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"a header is two str, got {name!r}: {value!r}")
        if not name or not NOT_IN_A_HEADER.isdisjoint(name) or ":" in name or " " in name:
            raise ValueError(f"{name!r} is no name of a header")
        if not NOT_IN_A_HEADER.isdisjoint(value):
            raise ValueError(f"the header {name} has a line end in its value, {value!r}")
        lower = name.lower()
        if lower == "content-length":
            if not (value.isascii() and value.isdigit()) or length not in (None, int(value)):
                raise ValueError(f"the Content-Length is {value!r}")
            length = int(value)
        elif is_hop_by_hop(name) and lower != "connection":
            raise ValueError(f"{name} is the server's to set (got {value!r})")
    return length


def _asks_to_close(headers: list[tuple[str, str]]) -> bool:
    return any(
        name.lower() == "connection" and value.strip().lower() == "close" for name, value in headers
    )


_last_date = (0, "")


def _date() -> str:
    """Returns the time as headers have it; made once a second."""
    global _last_date
    now = int(time())
    if _last_date[0] != now:
        _last_date = (now, formatdate(now, usegmt=True))
    return _last_date[1]
