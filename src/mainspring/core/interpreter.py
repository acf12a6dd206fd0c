"""Refuses subinterpreters: what is compiled keeps state of the process, not of an interpreter.

CPython would refuse too, but names a module of ours and no way out, and only where the interpreter
has a GIL of its own. Checked before the first compiled module is imported.
"""

import importlib

__all__ = ["refuse_subinterpreters"]

# The second is what 3.12 calls the first.
_MODULES = ("_interpreters", "_xxsubinterpreters")


def refuse_subinterpreters() -> None:
    """Returns in the main interpreter.

    Raises:
        ImportError: this is another one.
    """
    for name in _MODULES:
        try:
            interpreters = importlib.import_module(name)
        except ImportError:
            continue
        if interpreters.get_current() != interpreters.get_main():
            raise ImportError(
                "mainspring can't be imported in a subinterpreter: its compiled modules keep state "
                "of the whole process; import it in the main interpreter, or in a process of its "
                "own, as multiprocessing starts one",
                name="mainspring",
            )
        return
