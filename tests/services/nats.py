"""NATS for the tests: one server, from this machine or from Debian's archive."""

from pathlib import Path

from tests.interop.debian import HOME, Installed, find

from .process import Service

PACKAGE = "nats-server"
FOLDER = "usr/sbin"


def is_here() -> bool:
    """Whether NATS is installed, or was fetched before."""
    return any((root / FOLDER / PACKAGE).exists() for root in (Path("/"), HOME / PACKAGE))


class Nats(Service):
    """A NATS server that anybody on loopback may use."""

    ready = "Server is ready"

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> tuple[Installed, list[str]]:
        """Returns the server, and its address."""
        return find(PACKAGE, PACKAGE, FOLDER), ["--addr", "127.0.0.1", "--port", str(self.port)]
