"""The logs of a server: a line for each request, and `wsgi.errors`, a file that logs lines."""

import logging
import time
from typing import Any

from mainspring.green.wsgi.environ import Environ
from mainspring.green.wsgi.response import Response

__all__ = ["ACCESS", "ERRORS", "ErrorStream", "log_access"]

ACCESS = logging.getLogger("mainspring.wsgi.access")
ERRORS = logging.getLogger("mainspring.wsgi")


class ErrorStream:
    """`wsgi.errors`: a file for text, each of whose lines is a record of a logger.

    Parameters:
        logger: the logger.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._line = ""

    def write(self, text: str) -> int:
        """Logs the lines that are whole."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._logger.error("%s", line)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Writes several."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Logs the line that has no end yet."""
        line, self._line = self._line, ""
        if line:
            self._logger.error("%s", line)


def log_access(
    logger: logging.Logger, environ: Environ, response: Response, seconds: float
) -> None:
    """Logs a request in the combined format of web servers, and how long it took.

    Parameters:
        logger: the logger.
        environ: the request's.
        response: what it was answered with.
        seconds: from its head to the end of the response.
    """
    logger.info(
        '%s - - [%s] "%s %s %s" %s %d "%s" "%s" %.6f',
        environ.get("REMOTE_ADDR", "-"),
        time.strftime("%d/%b/%Y:%H:%M:%S %z"),
        environ["REQUEST_METHOD"],
        quote(environ["RAW_URI"]),
        environ["SERVER_PROTOCOL"],
        response.status[:3] or "-",
        response.sent,
        quote(environ.get("HTTP_REFERER", "-")),
        quote(environ.get("HTTP_USER_AGENT", "-")),
        seconds,
        extra={"environ": environ, "response": response},
    )


def quote(text: Any) -> str:
    """Returns text that can't end its quotes, nor its line."""
    return str(text).encode("unicode_escape").decode("ascii").replace('"', '\\"')
