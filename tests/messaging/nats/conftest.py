"""The tests of the NATS transport; those with a server are left out where there is none."""

import pytest

from tests.interop.debian import ROOT
from tests.services.nats import Nats
from tests.services.plugin import (  # noqa: F401 - what a conftest has is for its folder
    nats,
    pytest_pyfunc_call,
    shared_nats,
    topic,
)

CERTIFICATES = ROOT / "tests" / "net" / "certificates"
AUTHORITY = CERTIFICATES / "authority.pem"


@pytest.fixture
def url(shared_nats: Nats) -> str:  # noqa: F811 - the fixture above
    """The URL of the folder's server."""
    return shared_nats.url


@pytest.fixture
def tls_nats(nats: Nats) -> Nats:  # noqa: F811 - the fixture above
    """A server that wants TLS."""
    certificate = CERTIFICATES / "server.pem"
    nats.configure(f'tls: {{cert_file: "{certificate}", key_file: "{certificate}"}}')
    nats.restart()
    return nats
