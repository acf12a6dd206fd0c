"""The hub without eventlet."""

from tests.loop.helpers import error_without


def test_the_error_says_what_to_install() -> None:
    said = error_without("eventlet", "mainspring.compat.eventlet")
    assert "pip install 'mainspring[eventlet]'" in said
