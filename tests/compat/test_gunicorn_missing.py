"""The worker without gunicorn."""

from tests.loop.helpers import error_without


def test_the_error_says_what_to_install() -> None:
    said = error_without("gunicorn", "mainspring.compat.gunicorn")
    assert said == "mainspring.compat.gunicorn needs gunicorn: pip install gunicorn\n"
