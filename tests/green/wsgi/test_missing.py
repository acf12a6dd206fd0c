"""The WSGI server without httptools."""

from tests.loop.helpers import run_program


def test_the_error_says_what_to_install() -> None:
    program = """
import sys
sys.modules["httptools"] = None
try:
    import mainspring.green.wsgi
except ImportError as exc:
    print(exc)
"""
    code, output, errors = run_program(program)
    assert (code, errors) == (0, "")
    assert output == "mainspring.green.wsgi needs httptools: pip install 'mainspring[wsgi]'\n"
