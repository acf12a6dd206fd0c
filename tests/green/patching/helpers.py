"""What the tests of patching share: programs that patch first thing, in a process of their own."""

import textwrap

from tests.loop.helpers import run_program


def lines_of(program: str, before: str = "", **options: tuple[str, ...]) -> list[str]:
    """Runs a program after `patch.all()`; returns the lines it printed.

    Args:
        program: what to run; `main`, if it defines one, runs in a green thread.
        before: what runs before patching.
        options: `options` of the interpreter.
    """
    text = "\n".join(
        [
            textwrap.dedent(before),
            "import mainspring",
            "mainspring.patch.all()",
            textwrap.dedent(program),
            "if 'main' in globals(): mainspring.run(main)",
        ]
    )
    code, output, errors = run_program(text, **options)
    assert (code, errors) == (0, ""), errors
    return output.splitlines()
