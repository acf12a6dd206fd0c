"""A WSGI server in green threads, run as a child until it is killed.

The invariant: each is what its library's users have by default, but without a log of requests.
"""

import argparse
from collections.abc import Callable

from benchmarks.wsgi_app import application

HOST = "127.0.0.1"


def serve_mainspring(port: int) -> None:
    """Mainspring's."""
    import mainspring
    from mainspring.green.wsgi import WSGIServer

    mainspring.run(WSGIServer((HOST, port), application, log=None).serve_forever)


def serve_gevent(port: int) -> None:
    """Gevent's."""
    from gevent.pywsgi import WSGIServer

    WSGIServer((HOST, port), application, log=None).serve_forever()


def serve_eventlet(port: int) -> None:
    """Eventlet's."""
    import eventlet
    from eventlet import wsgi

    wsgi.server(eventlet.listen((HOST, port)), application, log_output=False)


SERVERS: dict[str, Callable[[int], None]] = {
    "mainspring": serve_mainspring,
    "gevent": serve_gevent,
    "eventlet": serve_eventlet,
}


def main(argv: list[str] | None = None) -> None:
    """Serves."""
    parser = argparse.ArgumentParser(prog="benchmarks.wsgi_server")
    parser.add_argument("--library", choices=list(SERVERS), required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(argv)
    SERVERS[options.library](options.port)


if __name__ == "__main__":
    main()
