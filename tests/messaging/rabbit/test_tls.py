"""TLS with a broker: amqps://, certificates that are checked, and heartbeats under it."""

import asyncio
import time

import pytest

from mainspring.messaging.errors import ConnectionLost
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.login import Login
from mainspring.messaging.rabbit.opening import open_connection
from mainspring.messaging.rabbit.security import Security, make_context
from mainspring.messaging.target import Target
from tests.interop.debian import ROOT
from tests.interop.servers import free_port
from tests.services import rabbitmq
from tests.services.bare import Events, Worker, call, transport

CERTIFICATES = ROOT / "tests" / "net" / "certificates"


@pytest.fixture(scope="module")
def tls_broker(tmp_path_factory):
    """A RabbitMQ that also listens with TLS."""
    if not rabbitmq.is_here():
        pytest.skip("there is no RabbitMQ here; `make services` fetches one")
    with rabbitmq.RabbitMQ.running() as broker:
        broker.tls_port = free_port()
        broker.configure(
            listeners__ssl__default=f"127.0.0.1:{broker.tls_port}",
            ssl_options__certfile=str(CERTIFICATES / "server.pem"),
            ssl_options__keyfile=str(CERTIFICATES / "server.pem"),
            ssl_options__cacertfile=str(CERTIFICATES / "authority.pem"),
            ssl_options__verify="verify_none",
        )
        broker.restart()
        yield broker


@pytest.fixture
def url(tls_broker):
    ca = CERTIFICATES / "authority.pem"
    return f"amqps://guest:guest@localhost:{tls_broker.tls_port}/?ssl_ca_file={ca}"


async def test_calls_go_over_tls(url):
    async with transport(url) as both:
        await both.serve(Target(topic="tls", server="one"), Worker(both), 10)
        text = "x" * 300_000
        assert await call(both, "tls", "echo", value=text) == {"value": text}


async def test_heartbeats_go_on_under_tls_while_user_code_holds_the_loop_up(url):
    async with transport(f"{url}&heartbeat=1") as both:
        events = Events(both)
        await both.serve(Target(topic="tls-blocked", server="one"), Worker(both), 10)
        # Blocking is the point.
        time.sleep(4)
        assert await call(both, "tls-blocked", "echo", value=1) == {"value": 1}
        assert events.seen == []


async def test_a_certificate_that_nobody_trusts_is_refused(tls_broker):
    loop = asyncio.get_running_loop()
    with pytest.raises(ConnectionLost, match="CERTIFICATE_VERIFY_FAILED"):
        await open_connection(
            loop, "localhost", tls_broker.tls_port, Login("guest", "guest"), make_context()
        )


async def test_a_certificate_for_another_host_is_refused(tls_broker):
    loop = asyncio.get_running_loop()
    security = Security(make_context(str(CERTIFICATES / "authority.pem")), "elsewhere.example")
    _, connection = await loop.create_connection(
        lambda: Connection(loop, "elsewhere.example", security), "localhost", tls_broker.tls_port
    )
    with pytest.raises(ConnectionLost, match="not valid for 'elsewhere"):
        await connection.log_in(Login("guest", "guest"))
    await connection.close()


async def test_a_broker_without_tls_on_that_port_is_said_to_have_none(tls_broker):
    loop = asyncio.get_running_loop()
    with pytest.raises(ConnectionLost, match=r"TLS with RabbitMQ|broke"):
        await open_connection(
            loop, "localhost", tls_broker.port, Login("guest", "guest"), make_context()
        )
