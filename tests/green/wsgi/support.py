"""What the tests of the WSGI server share: applications, and a client that sends exact bytes."""

import io
from wsgiref.validate import validator

from mainspring.green import socket, ssl
from mainspring.green.http.client import HTTPResponse
from mainspring.green.wsgi import WSGIServer
from tests.net.support import PATIENCE
from tests.net.tls_support import CERTIFICATES, NAME

LOCAL = ("127.0.0.1", 0)
HOST = b"Host: test\r\n"
CLOSE = HOST + b"Connection: close\r\n"
TEXT = [("Content-Type", "text/plain")]


def answering(*parts, status="200 OK", headers=TEXT, as_list=True):
    """Returns an application that answers with these parts, and keeps its environs."""

    def application(environ, start_response):
        application.environs.append(environ)
        start_response(status, list(headers))
        return list(parts) if as_list else iter(parts)

    application.environs = []
    return application


def echo(environ, start_response):
    """Answers with the request's body, to the rules of PEP 3333 on both sides."""
    return validated_echo(environ, start_response)


@validator
def validated_echo(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 10_000_000))
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [body]


def connect(server):
    return socket.create_connection(server.address, PATIENCE)


def connect_tls(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(CERTIFICATES / "authority.pem")
    return context.wrap_socket(connect(server), server_hostname=NAME)


def receive_all(client):
    chunks = []
    while chunk := client.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def exchange(application, data, **options):
    """Serves a client that sends some bytes; returns what it receives to the end."""
    with WSGIServer(LOCAL, application, **options) as server, connect(server) as client:
        client.sendall(data)
        return receive_all(client)


def next_response(client, method="GET"):
    """Returns the next response of a connection: status, headers and body."""
    response = HTTPResponse(Exactly(client), method=method)
    response.begin()
    body = response.read()
    return response.status, dict(response.getheaders()), body


class Exactly(io.RawIOBase):
    """A connection of which a response is read, and nothing of the next one."""

    def __init__(self, client):
        self.client = client

    def makefile(self, mode):
        return self

    def readinto(self, buffer):
        return self.client.recv_into(buffer)

    def read(self, size=-1):
        data = b""
        while len(data) < size and (chunk := self.client.recv(size - len(data))):
            data += chunk
        return data if size >= 0 else self.readall()


def get(path="/", *more):
    return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path.encode(), HOST, b"".join(more))


def post(body, *more):
    head = b"POST / HTTP/1.1\r\n%bContent-Length: %d\r\n%b\r\n"
    return head % (HOST, len(body), b"".join(more)) + body


def chunked(*chunks, trailer=b"", more=b""):
    """Returns a request whose body comes in these chunks."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = b"POST / HTTP/1.1\r\n%b%bTransfer-Encoding: chunked\r\n\r\n" % (HOST, more)
    return head + body + b"0\r\n" + trailer + b"\r\n"
