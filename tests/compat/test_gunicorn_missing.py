"""The worker without gunicorn."""

from tests.loop.helpers import run_program


def test_the_error_says_what_to_install() -> None:
    program = """
import sys
class Nothing:
    def find_spec(self, name, *where):
        if name == "gunicorn":
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Nothing())
try:
    import mainspring.compat.gunicorn
except ImportError as exc:
    print(exc)
"""
    code, output, errors = run_program(program)
    assert (code, errors) == (0, "")
    assert output == "mainspring.compat.gunicorn needs gunicorn: pip install gunicorn\n"
