"""Patches the stdlib's modules, so that code written for threads waits greenly in green threads.

What is patched asks where it is called: in a green thread only that one waits; in OS threads, in
coroutines and in callbacks everything is as it was. asyncio, importlib, the executors and
multiprocessing keep the originals.
"""

import types

from mainspring.green.patching.late import Late
from mainspring.green.patching.patcher import PATCHER, PatchWarning
from mainspring.green.patching.report import Report, report
from mainspring.green.patching.table import TABLE

__all__ = [
    "Late",
    "PatchWarning",
    "Report",
    "all",
    "is_patched",
    "modules",
    "original",
    "report",
    "undo",
]


def all(**which: bool) -> None:
    """Patches all modules that can be patched; does nothing for those that are.

    To be called first thing in a program, before other modules are imported: what they have bound
    by `from socket import socket` stays as it was.

    Parameters:
        which: False for a module that is to stay as it is: `all(subprocess=False)`.

    Raises:
        TypeError: there is no module of that name to patch.
    """
    unknown = [name for name in which if name not in TABLE]
    if unknown:
        raise TypeError(
            f"all() got {', '.join(unknown)}, which can't be patched; what can is "
            f"{', '.join(TABLE)}"
        )
    modules(*(name for name in TABLE if which.get(name, True)))


def modules(*names: str) -> None:
    """Patches some modules, and those that can't go without them (`threading` and `_thread`).

    Parameters:
        names: the names of the modules; those that are patched already stay so.

    Raises:
        ValueError: there is no module of that name to patch.
    """
    PATCHER.install(names)


def original(module: str | types.ModuleType) -> types.ModuleType:
    """Returns a module as it would be without patching.

    It has the same namespace: what is set there is set in the module, too.

    Parameters:
        module: the module, or its name.

    Raises:
        ImportError: there is no module of that name.
    """
    return PATCHER.original(module)


def is_patched(module: str | types.ModuleType, name: str | None = None) -> bool:
    """Returns True if a module is patched.

    Parameters:
        module: the module, or its name.
        name: a name in it, to ask whether that one is replaced.
    """
    return PATCHER.is_patched(module, name)


def undo() -> None:
    """Gives all modules their originals back, for tests.

    What was imported from them meanwhile stays as it is, and works as before.
    """
    PATCHER.remove()
