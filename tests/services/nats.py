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
    """A NATS server that anybody on loopback may use, unless its settings say otherwise."""

    ready = "Server is ready"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.settings = ""

    def configure(self, settings: str) -> None:
        """Has settings, in the form of its file, hold as of the next start."""
        self.settings = settings

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> tuple[Installed, list[str]]:
        """Returns the server, and its address; writes its settings."""
        file = self.folder / "nats.conf"
        file.write_text(f'listen: "127.0.0.1:{self.port}"\n{self.settings}\n')
        return find(PACKAGE, PACKAGE, FOLDER), ["--config", str(file)]
