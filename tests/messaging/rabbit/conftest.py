"""The tests of the RabbitMQ transport; those with a broker are left out where there is none."""

from tests.services.plugin import (  # noqa: F401 - what a conftest has is for its folder
    broker,
    pytest_pyfunc_call,
    shared_broker,
    topic,
)
