"""The application that each WSGI server of `wsgi` serves: a few bytes, whose length is known."""

from collections.abc import Callable, Iterable
from typing import Any

BODY = b"Hello, world!\n"
# A setting of gunicorn's: that socket would lie in the user's home.
control_socket_disable = True
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers every request alike."""
    start_response("200 OK", HEADERS)
    return [BODY]
