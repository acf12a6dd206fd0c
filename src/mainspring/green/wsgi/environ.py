"""The environ of a request, as PEP 3333 has it, and what servers have come to add.

A header whose name has an underscore is left out: as a variable it couldn't be told from the one
with a hyphen that a proxy sets (`X-Forwarded-For`).
"""

import io
from typing import Any
from urllib.parse import unquote_to_bytes

from mainspring.green.wsgi.body import Body
from mainspring.green.wsgi.request import Request
from mainspring.green.wsgi.response import FileWrapper

__all__ = ["Environ", "base_environ", "make_environ"]

type Environ = dict[str, Any]


def base_environ(address: Any, is_encrypted: bool, errors: Any) -> Environ:
    """Returns what is the same for all requests to a server.

    Parameters:
        address: the server's.
        is_encrypted: True for https.
        errors: `wsgi.errors`, a file for text.
    """
    # Neither may be empty; a UNIX socket has no host and no port.
    host, port = "localhost", 443 if is_encrypted else 80
    if isinstance(address, tuple):
        host, port = address[:2]
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_SOFTWARE": "mainspring",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if is_encrypted else "http",
        "wsgi.errors": errors,
        # Another green thread may be in the application while one waits there.
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        # Its end is told also where there is no Content-Length.
        "wsgi.input_terminated": True,
    }


def make_environ(base: Environ, request: Request, address: Any, body: Body | io.BytesIO) -> Environ:
    """Returns the environ of a request.

    Parameters:
        base: what `base_environ` returns; it stays as it is.
        request: the request.
        address: the client's, as its family has it.
        body: `wsgi.input`.
    """
    path, _, query = request.target.partition("?")
    host = request.host
    if "://" in path:
        # The absolute form, for proxies: what it says of the host holds.
        host, slash, path = path.partition("://")[2].partition("/")
        path = slash + path
    environ = base.copy()
    environ["REQUEST_METHOD"] = request.method
    environ["PATH_INFO"] = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
    environ["QUERY_STRING"] = query
    environ["RAW_URI"] = request.target
    environ["SERVER_PROTOCOL"] = f"HTTP/{request.version}"
    environ["wsgi.input"] = body
    if isinstance(address, tuple):
        environ["REMOTE_ADDR"] = address[0]
        environ["REMOTE_PORT"] = str(address[1])
    for name, value in request.headers:
        if "_" in name:
            continue
        if name == "content-type":
            environ.setdefault("CONTENT_TYPE", value)
            continue
        if name == "content-length":
            environ["CONTENT_LENGTH"] = value
            continue
        key = "HTTP_" + name.replace("-", "_").upper()
        if key in environ:
            value = f"{environ[key]}{'; ' if name == 'cookie' else ','}{value}"
        environ[key] = value
    if host is not None:
        environ["HTTP_HOST"] = host
    return environ
