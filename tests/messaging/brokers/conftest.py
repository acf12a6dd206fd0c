"""What every broker does for the core: tests that run on RabbitMQ and on NATS alike."""

import pytest

from tests.services.plugin import (  # noqa: F401 - what a conftest has is for its folder
    pytest_pyfunc_call,
    shared_broker,
    shared_nats,
    topic,
)


@pytest.fixture(params=["shared_broker", "shared_nats"], ids=["rabbit", "nats"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a broker; the test is left out where there is none."""
    return str(request.getfixturevalue(request.param).url)
