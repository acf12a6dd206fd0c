"""The stdlib's `http.client` for green threads: its connections wait greenly there."""

import http.client as _stdlib
from http.client import *
from typing import Any

from mainspring.green import ssl
from mainspring.green.socket import create_connection as _create_connection
from mainspring.green.stdlib import adopt, rebind

__implements__ = ("HTTPConnection", "HTTPSConnection")
__all__ = _stdlib.__all__


class HTTPConnection(_stdlib.HTTPConnection):
    """`http.client.HTTPConnection`; a green thread that waits for it waits alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = _create_connection


class HTTPSConnection(_stdlib.HTTPSConnection, HTTPConnection):
    """`http.client.HTTPSConnection`; a green thread that waits for it waits alone.

    A context that is given must be green, too: one of `mainspring.green.ssl`.
    """

    def __init__(self, *args: Any, context: Any = None, **kwargs: Any) -> None:
        if context is None:
            context = _create_https_context(self._http_vsn)  # type: ignore[attr-defined]
        super().__init__(*args, context=context, **kwargs)


_create_https_context = rebind(
    _stdlib._create_https_context,  # type: ignore[attr-defined]
    globals(),
)

adopt(globals(), _stdlib)
