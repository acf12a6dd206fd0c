"""A WSGI server for green threads (extra `wsgi`)."""

from mainspring.green.wsgi.errors import Disconnected, RequestError
from mainspring.green.wsgi.response import FileWrapper
from mainspring.green.wsgi.server import WSGIServer
from mainspring.green.wsgi.settings import Settings

__all__ = ["Disconnected", "FileWrapper", "RequestError", "Settings", "WSGIServer"]
