"""Fixtures of the core's tests."""

from collections.abc import Iterator

import pytest

from tests.core.fakes import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made
