"""The hub without eventlet."""

from tests.loop.helpers import run_program


def test_the_error_says_what_to_install() -> None:
    program = """
import sys
sys.modules["eventlet"] = None
try:
    import mainspring.compat.eventlet
except ImportError as exc:
    print(exc)
"""
    code, output, errors = run_program(program)
    assert (code, errors) == (0, "")
    assert "pip install 'mainspring[eventlet]'" in output
