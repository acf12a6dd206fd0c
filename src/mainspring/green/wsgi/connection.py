"""`Connection`: the requests of one connection, one after another, each answered before the next.

It ends when the client or the server wishes so, when a response's length isn't known to the client
otherwise, when a request is refused, or when too much of a body is left that the application hasn't
read. Whoever is told of that in the last response is given time to read it.
"""

import asyncio
import functools
import io
import socket as stdlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mainspring.green.server_tls import say_goodbye
from mainspring.green.socket_class import socket
from mainspring.green.ssl import SSLSocket
from mainspring.green.thread import interrupt
from mainspring.green.timeouts import Timeout
from mainspring.green.wsgi.body import Body
from mainspring.green.wsgi.environ import Environ, make_environ
from mainspring.green.wsgi.errors import Disconnected, RequestError
from mainspring.green.wsgi.output import Output
from mainspring.green.wsgi.reader import RequestReader
from mainspring.green.wsgi.request import Request
from mainspring.green.wsgi.response import Response

if TYPE_CHECKING:
    from mainspring.green.wsgi.server import WSGIServer

__all__ = ["Connection"]

RECEIVE_SIZE = 65536
# Seconds: a socket's timeout of 0 would mean not to wait at all.
SOON = 0.001
# How much of a body that nobody wants is read for the sake of the connection.
MOST_TO_DRAIN = 262144
# Seconds, and bytes, that a client gets to read the last response while it still sends.
LINGER_TIME = 2.0
MOST_TO_LINGER = 4 * 1024 * 1024


class _Ended(Exception):
    """Raised where a connection waits for a request, when there is to be no more."""


class Connection:
    """A client's connection to a `WSGIServer`.

    Parameters:
        server: the server.
        connection: a green socket.
        address: the client's.

    Attributes:
        is_idle: True while it waits for a request of which nothing has come.
    """

    def __init__(self, server: "WSGIServer", connection: socket, address: Any) -> None:
        self.is_idle = False
        self._server = server
        self._settings = server.settings
        self._connection = connection
        self._address = address
        self._task = asyncio.current_task()
        self._reader = RequestReader(self._receive, server.settings)
        self._output = Output(connection, server.settings.send_timeout)
        self._clock = asyncio.get_running_loop().time
        # When the head that is coming must be there; None while no head is.
        self._deadline: float | None = None
        # The first request has the time of a head from the start: who connects has one.
        self._patience = server.settings.header_timeout

    def serve(self) -> None:
        """Serves until the connection is to end; its owner closes it."""
        try:
            while self._serve_one():
                pass
        except Disconnected:
            pass
        finally:
            self._reader.close()

    def end_if_idle(self) -> None:
        """Has the connection end at once if no request has begun to come."""
        if self.is_idle and self._task is not None:
            interrupt(self._task, _Ended())

    def _serve_one(self) -> bool:
        """Waits for a request and answers it. Returns False if it was the last."""
        try:
            request = self._next_request()
        except RequestError as exc:
            self._refuse(exc)
            return False
        if request is None:
            return False
        keeps_alive = request.keeps_alive and self._settings.keepalive_timeout > 0
        response = Response(request, self._output, keeps_alive, self._is_ending)
        self._answer(request, response)
        return self._can_go_on(request, response)

    def _next_request(self) -> Request | None:
        """Returns the next request; None if there is none."""
        self.is_idle = not self._reader.has_begun
        patience = self._patience if self.is_idle else self._settings.header_timeout
        if self.is_idle and self._server.closed:
            # What a new client has sent already is answered.
            patience = SOON
        self._deadline = self._clock() + patience
        self._patience = self._settings.keepalive_timeout
        try:
            return self._reader.next_request()
        except TimeoutError:
            if not self.is_idle:
                raise RequestError(HTTPStatus.REQUEST_TIMEOUT, "the head took too long") from None
            return None
        except _Ended:
            return None
        finally:
            self.is_idle = False
            self._deadline = None

    def _is_ending(self) -> bool:
        return self._server.closed

    def _receive(self) -> bytes:
        """Returns what comes; for the reader."""
        connection = self._connection
        try:
            if self._deadline is None:
                connection.settimeout(self._settings.body_timeout or SOON)
                return connection.recv(RECEIVE_SIZE)
            connection.settimeout(max(self._deadline - self._clock(), SOON))
            data = connection.recv(RECEIVE_SIZE)
        except TimeoutError:
            if self._deadline is not None:
                raise
            raise RequestError(HTTPStatus.REQUEST_TIMEOUT, "the body took too long") from None
        except OSError as exc:
            raise Disconnected(f"can't receive: {exc}") from exc
        if self.is_idle and data:
            self.is_idle = False
            self._deadline = self._clock() + self._settings.header_timeout
        return data

    def _read_body(self, request: Request, response: Response) -> bytes:
        """Returns the next piece of a body; for the application."""
        if request.expects_continue:
            request.expects_continue = False
            if not (request.pieces or request.is_complete or response.is_sent):
                self._output.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._reader.read_body(request)

    def _answer(self, request: Request, response: Response) -> None:
        """Has the application answer a request."""
        body: Body | io.BytesIO = io.BytesIO()
        if request.has_body:
            body = Body(functools.partial(self._read_body, request, response))
        environ = make_environ(self._server.base_environ, request, self._address, body)
        began = time.perf_counter()
        try:
            self._call_application(environ, request, response)
        except RequestError as exc:
            self._server.report_refused(self._address, exc)
            response.fail(exc.status)
        except Disconnected:
            response.keeps_alive = False
            raise
        except (Exception, Timeout) as exc:
            self._server.report_error(environ, exc)
            response.fail(HTTPStatus.INTERNAL_SERVER_ERROR)
        finally:
            self._server.log_access(environ, response, time.perf_counter() - began)

    def _call_application(self, environ: Environ, request: Request, response: Response) -> None:
        result = self._server.application(environ, response.start)
        try:
            if request.expects_continue and not (request.pieces or request.is_complete):
                # It may send the body all the same, or the next request: nobody could tell.
                response.keeps_alive = False
            response.send_all(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _refuse(self, exc: RequestError) -> None:
        """Answers a request that is none."""
        self._server.report_refused(self._address, exc)
        request = Request()
        request.version = "1.1"
        Response(request, self._output, False, self._is_ending).fail(exc.status)
        self._linger()

    def _can_go_on(self, request: Request, response: Response) -> bool:
        """Reads what is left of a body. Returns True if another request may come."""
        left = MOST_TO_DRAIN
        try:
            while response.keeps_alive and (piece := self._reader.read_body(request)):
                left -= len(piece)
                if left < 0:
                    break
        except RequestError as exc:
            self._server.report_refused(self._address, exc)
        if response.keeps_alive and request.is_complete and not request.pieces:
            return not self._server.closed
        if not request.is_complete:
            self._linger()
        return False

    def _linger(self) -> None:
        """Ends the sending half, and reads on for a while.

        To close while the client still sends is a reset, by which it may lose the response.
        """
        if self._reader.is_at_end:
            return
        connection = self._connection
        if isinstance(connection, SSLSocket):
            say_goodbye(connection)
        deadline = self._clock() + LINGER_TIME
        left = MOST_TO_LINGER
        try:
            # Past TLS, which has ended: nobody looks at these bytes.
            stdlib.socket.shutdown(connection, stdlib.SHUT_WR)
            while left > 0 and (wait := deadline - self._clock()) > 0:
                connection.settimeout(wait)
                data = socket.recv(connection, RECEIVE_SIZE)
                if not data:
                    break
                left -= len(data)
        except OSError:
            # It has gone, or takes its time.
            pass
