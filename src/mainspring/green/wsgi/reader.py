"""`RequestReader`: the requests of one connection, one after another, through httptools.

Nothing is received as long as a request that has come is waiting, or a piece of its body: so what a
client sends ahead stays in the system's buffers, and the client waits.

The parser stops at an upgrade, which this server never does, and would take the body for the next
request. A new parser then goes on, which is told of the body only.
"""

from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn

from mainspring.green.wsgi.errors import Disconnected, RequestError
from mainspring.green.wsgi.request import Request
from mainspring.green.wsgi.settings import Settings

try:
    import httptools
except ModuleNotFoundError as error:
    if error.name != "httptools":
        raise
    raise ModuleNotFoundError(
        "mainspring.green.wsgi needs httptools: pip install 'mainspring[wsgi]'", name="httptools"
    ) from None

__all__ = ["RequestReader"]

# What a field has besides its name and value, and a chunk besides its data, as a rule.
FIELD_EXTRA = 4
CHUNK_EXTRA = 16


class RequestReader:
    """Reads the requests of a connection.

    Parameters:
        receive: returns what the peer has sent, and waits for that; nothing at the end.
        settings: the bounds.
    """

    def __init__(self, receive: Callable[[], bytes], settings: Settings) -> None:
        self._receive = receive
        self._settings = settings
        # The one whose parts are coming, and those whose heads are there and nobody has taken.
        self._current = Request()
        self._heads: deque[Request] = deque()
        self._error: RequestError | None = None
        self._is_over = False
        # How much of the current head the parser has told of, and how many fields.
        self._size = 0
        self._count = 0
        # How much has come of one head, or besides the data of one body, of which it hasn't told.
        self._untold = 0
        self._told = 0
        self._has_turned = False
        self._is_in_head = False
        self._is_told_of_body = False
        self._parser: Any = httptools.HttpRequestParser(self)

    @property
    def has_begun(self) -> bool:
        """True if a part of the next request is there, or all of it."""
        return self._is_in_head or bool(self._heads)

    @property
    def is_at_end(self) -> bool:
        """True if the client sends nothing any more."""
        return self._is_over

    def next_request(self) -> Request | None:
        """Returns the next request when its head is there; None when the peer has ended.

        Raises:
            RequestError: it is refused; it was the last one.
        """
        while not self._heads:
            if self._error is not None:
                raise self._error
            if self._is_over:
                if self._is_in_head:
                    raise RequestError(HTTPStatus.BAD_REQUEST, "the client left within the head")
                return None
            self._receive_more()
        return self._heads.popleft()

    def read_body(self, request: Request) -> bytes:
        """Returns the next piece of a request's body, and waits for it; nothing at the end.

        Raises:
            RequestError: the body is refused.
            Disconnected: the client has gone.
        """
        while not request.pieces:
            if request.is_complete:
                return b""
            if self._error is not None:
                raise self._error
            if self._is_over:
                raise Disconnected("the client left before it had sent all of the body")
            self._receive_more()
        return request.pieces.popleft()

    def close(self) -> None:
        """Lets the parser go, which refers to this object."""
        self._is_over = True
        self._parser = None

    def _receive_more(self) -> None:
        data = self._receive()
        if not data:
            self._is_over = True
            return
        self._has_turned = False
        self._told = 0
        size = len(data)
        while data:
            data = self._feed(data)
        # A field comes from the parser when it is whole, a chunk's extension never: one without an
        # end shows only here.
        if not self._has_turned and self._error is None:
            self._untold += max(size - self._told, 0)
            if self._untold > self._settings.max_headers_size + self._settings.max_request_line:
                self._error = self._too_large()

    def _feed(self, data: bytes) -> bytes:
        """Has the parser take data; returns what comes after an upgrade."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            self._go_on_after_upgrade()
            return data[stop.args[0] :]
        except httptools.HttpParserError as exc:
            if self._error is None:
                self._error = RequestError(HTTPStatus.BAD_REQUEST, str(exc))
        return b""

    def _go_on_after_upgrade(self) -> None:
        request = self._current
        self._parser = httptools.HttpRequestParser(self)
        if request.has_body:
            framing = (
                "Transfer-Encoding: chunked"
                if request.is_chunked
                else f"Content-Length: {request.content_length}"
            )
            self._is_told_of_body = True
            self._parser.feed_data(f"POST / HTTP/1.1\r\nHost: -\r\n{framing}\r\n\r\n".encode())
            self._is_told_of_body = False

    def _too_large(self) -> RequestError:
        return RequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"there are more than {self._settings.max_headers_size} bytes besides the body",
        )

    def _refuse(self, error: RequestError) -> NoReturn:
        self._error = error
        raise error

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begins a request."""
        if self._is_told_of_body:
            return
        self._current = Request()
        self._size = self._count = self._untold = 0
        self._has_turned = True
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        """Takes a part of the target."""
        if self._is_told_of_body:
            return
        request = self._current
        request.target += url.decode("latin-1")
        if len(request.target) > self._settings.max_request_line:
            longest = self._settings.max_request_line
            self._refuse(
                RequestError(
                    HTTPStatus.REQUEST_URI_TOO_LONG, f"the target is longer than {longest} bytes"
                )
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header; or a trailer, which is forgotten."""
        if self._is_told_of_body:
            return
        self._count += 1
        if self._count > self._settings.max_headers:
            most = self._settings.max_headers
            self._refuse(
                RequestError(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"there are more than {most} headers",
                )
            )
        self._size += len(name) + len(value) + FIELD_EXTRA
        if self._size > self._settings.max_headers_size:
            self._refuse(self._too_large())
        if self._is_in_head:
            self._current.headers.append(
                (name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t"))
            )

    def on_headers_complete(self) -> None:
        """Checks the head; the request can be taken from now on."""
        if self._is_told_of_body:
            return
        request, parser = self._current, self._parser
        request.method = parser.get_method().decode("latin-1")
        request.version = parser.get_http_version()
        try:
            request.check(self._settings.max_body)
        except RequestError as exc:
            self._refuse(exc)
        self._is_in_head = False
        self._has_turned = True
        self._untold = 0
        self._heads.append(request)

    def on_chunk_header(self) -> None:
        """Counts what a chunk has besides data, as a rule."""
        self._told += CHUNK_EXTRA

    def on_body(self, body: bytes) -> None:
        """Takes a piece of the body."""
        request = self._current
        self._told += len(body)
        request.pieces.append(body)
        request.received += len(body)
        limit = self._settings.max_body
        if limit is not None and request.received > limit:
            self._refuse(
                RequestError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {limit} bytes"
                )
            )

    def on_message_complete(self) -> None:
        """Ends a request; not one with a body that the parser takes for an upgrade."""
        request = self._current
        if not (self._parser.should_upgrade() and request.has_body):
            request.is_complete = True
