"""Faults: brokers, networks and processes are broken on purpose, and what is lost is counted."""

from tests.services.plugin import (  # noqa: F401 - what a conftest has is for its folder
    broker,
    nats,
    pytest_pyfunc_call,
    shared_broker,
    shared_nats,
    topic,
)
