"""Subinterpreters: refused with a sentence, and the main interpreter is none the worse for it."""

import importlib.util

import pytest

from tests.loop.helpers import run_program

# 3.12 has other names for the same calls.
HEAD = """
try:
    import _interpreters as interpreters
    def create(kind):
        return interpreters.create(kind)
    def run(interpreter, program):
        failure = interpreters.exec(interpreter, program)
        assert failure is None, failure.formatted
except ImportError:
    import _xxsubinterpreters as interpreters
    def create(kind):
        return interpreters.create(isolated=kind == "isolated")
    run = interpreters.run_string
"""

IN_THE_SUBINTERPRETER = """
import sys
sys.path[:] = %r
try:
    import mainspring
except ImportError as exc:
    print(exc.name, str(exc).partition(":")[0], sep=": ")
else:
    print("imported")
"""

MAIN = """
import mainspring, sys
async def main():
    return "runs"
{before}
interpreter = create({kind!r})
run(interpreter, {program!r} % sys.path)
interpreters.destroy(interpreter)
print(mainspring.run(main))
"""

REFUSED = "mainspring: mainspring can't be imported in a subinterpreter"


@pytest.mark.parametrize("kind", ["isolated", "legacy"])
@pytest.mark.parametrize("before", ["", "mainspring.run(main)"], ids=["first", "while-in-use"])
def test_a_subinterpreter_is_refused_with_a_sentence(kind, before):
    program = HEAD + MAIN.format(kind=kind, before=before, program=IN_THE_SUBINTERPRETER)
    code, output, errors = run_program(program)
    assert (code, errors) == (0, "")
    assert output.splitlines() == [REFUSED, "runs"]


@pytest.mark.skipif(
    importlib.util.find_spec("concurrent.interpreters") is None,
    reason="concurrent.interpreters came with Python 3.14",
)
def test_the_sentence_comes_out_of_the_call_that_imported():
    program = """
import sys
from concurrent import interpreters
interpreter = interpreters.create()
interpreter.exec(f"import sys; sys.path[:] = {sys.path!r}")
try:
    interpreter.exec("import mainspring")
except interpreters.ExecutionFailed as exc:
    print(exc.excinfo.msg.partition(":")[0])
interpreter.close()
"""
    code, output, errors = run_program(program)
    assert (code, errors) == (0, "")
    assert output.strip() == "mainspring can't be imported in a subinterpreter"
