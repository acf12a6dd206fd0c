"""`Request`: the head of one request, checked, and as much of its body as has come.

What a parser lets pass and two servers might read differently is refused here: it is how a request
is smuggled past a proxy.
"""

from collections import deque
from http import HTTPStatus

from mainspring.green.wsgi.errors import RequestError

__all__ = ["Request"]

VERSIONS = ("1.0", "1.1")
# What the parser knows of other protocols that look like this one, and of tunnels.
FOREIGN_METHODS = frozenset(
    [
        *("CONNECT", "PRI", "SOURCE", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE"),
        *("TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", "REDIRECT", "RECORD", "FLUSH"),
    ]
)


class Request:
    """A request: its head, and the pieces of its body that nobody has read yet.

    Attributes:
        method, target, version: of the request line, text in latin-1; the version as `"1.1"`.
        headers: pairs of a lower-case name and a value, text in latin-1.
        host: of the Host field; None without one.
        content_length: in bytes; None without one.
        is_chunked: True if the body comes in chunks.
        keeps_alive: True if the client would like to go on with this connection.
        expects_continue: True if it waits to be told before it sends the body.
        pieces: of the body.
        is_complete: True when all of the body is there, or has been.
    """

    __slots__ = (
        "content_length",
        "expects_continue",
        "headers",
        "host",
        "is_chunked",
        "is_complete",
        "keeps_alive",
        "method",
        "pieces",
        "received",
        "target",
        "version",
    )

    def __init__(self) -> None:
        self.method = ""
        self.target = ""
        self.version = ""
        self.headers: list[tuple[str, str]] = []
        self.host: str | None = None
        self.content_length: int | None = None
        self.is_chunked = False
        self.keeps_alive = False
        self.expects_continue = False
        self.pieces: deque[bytes] = deque()
        self.received = 0
        self.is_complete = False

    @property
    def has_body(self) -> bool:
        """True if there is a body, if only an empty one in chunks."""
        return self.is_chunked or bool(self.content_length)

    def check(self, max_body: int | None) -> None:
        """Looks at the whole head, and keeps what it says of the body and the connection.

        Parameters:
            max_body: bytes of the largest body that is taken.

        Raises:
            RequestError: it is refused.
        """
        if self.version not in VERSIONS:
            raise RequestError(
                HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"the version is HTTP/{self.version}"
            )
        if self.method in FOREIGN_METHODS:
            raise RequestError(HTTPStatus.NOT_IMPLEMENTED, f"the method is {self.method}")
        if not self.target.startswith("/") and self.target != "*" and "://" not in self.target:
            raise _bad(f"the target is {self.target!r}")
        if "#" in self.target:
            raise _bad(f"the target {self.target!r} has a fragment")
        self.keeps_alive = self.version == "1.1"
        for name, value in self.headers:
            check = CHECKS.get(name)
            if check is not None:
                check(self, value)
        if self.host is None and self.version == "1.1":
            raise _bad("there is no Host field")
        if self.is_chunked and self.content_length is not None:
            raise _bad("there are both Transfer-Encoding and Content-Length")
        if max_body is not None and (self.content_length or 0) > max_body:
            raise RequestError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body has {self.content_length} bytes, more than {max_body}",
            )

    def _take_host(self, value: str) -> None:
        if self.host is not None:
            raise _bad("there are several Host fields")
        if any(character in value for character in "/@, \t"):
            raise _bad(f"the host is {value!r}")
        self.host = value

    def _take_length(self, value: str) -> None:
        if self.content_length is not None:
            raise _bad("there are several Content-Length fields")
        if not (value.isascii() and value.isdigit()):
            raise _bad(f"the Content-Length is {value!r}")
        self.content_length = int(value)

    def _take_encoding(self, value: str) -> None:
        if self.is_chunked:
            raise _bad("there are several Transfer-Encoding fields")
        if self.version != "1.1":
            raise _bad("there is a Transfer-Encoding in HTTP/1.0")
        if value.lower() != "chunked":
            raise RequestError(
                HTTPStatus.NOT_IMPLEMENTED, f"the Transfer-Encoding is {value!r}, not chunked"
            )
        self.is_chunked = True

    def _take_connection(self, value: str) -> None:
        words = [word.strip() for word in value.lower().split(",")]
        if "close" in words:
            self.keeps_alive = False
        elif "keep-alive" in words and self.version == "1.0":
            self.keeps_alive = True

    def _take_expect(self, value: str) -> None:
        if self.version == "1.0":
            return
        if value.lower() != "100-continue":
            raise RequestError(HTTPStatus.EXPECTATION_FAILED, f"{value!r} is expected")
        self.expects_continue = True


CHECKS = {
    "host": Request._take_host,
    "content-length": Request._take_length,
    "transfer-encoding": Request._take_encoding,
    "connection": Request._take_connection,
    "expect": Request._take_expect,
}


def _bad(reason: str) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, reason)
