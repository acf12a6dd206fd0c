"""The WSGI server without httptools."""

from tests.loop.helpers import error_without


def test_the_error_says_what_to_install() -> None:
    said = error_without("httptools", "mainspring.green.wsgi")
    assert said == "mainspring.green.wsgi needs httptools: pip install 'mainspring[wsgi]'\n"
