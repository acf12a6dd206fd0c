"""The RabbitMQ that is measured on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["broker_url"]


@contextmanager
def broker_url() -> Iterator[str]:
    """The URL of the broker that MAINSPRING_RABBITMQ_URL names; else of one for this block."""
    if url := os.environ.get("MAINSPRING_RABBITMQ_URL"):
        yield url
        return
    from tests.services.rabbitmq import RabbitMQ

    with RabbitMQ.running() as broker:
        yield broker.url
