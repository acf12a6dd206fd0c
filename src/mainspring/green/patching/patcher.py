"""`Patcher`: which stdlib modules are patched now; it installs, shows, and takes back.

There is one, of the process. Patching makes no loop, no thread and no socket, and what is patched
is told apart by where it is called: a green thread waits alone, anything else as it always did.
"""

import asyncio
import importlib
import threading
import types
import warnings
from collections.abc import Iterable

from mainspring.green.call import current
from mainspring.green.patching import futures, locks
from mainspring.green.patching.keepers import Keepers
from mainspring.green.patching.locks import exchange_locks
from mainspring.green.patching.natives import LockType, RLockType
from mainspring.green.patching.replaced import ReplacedNames
from mainspring.green.patching.rlock import SharedRLock
from mainspring.green.patching.table import TABLE, differing_names, import_row

__all__ = ["PATCHER", "PatchWarning", "Patcher"]


class PatchWarning(RuntimeWarning):
    """A program patches modules where some of it goes on with the originals."""


class Patcher:
    """The stdlib's modules that are patched."""

    def __init__(self) -> None:
        self._keepers = Keepers()
        self._installed: dict[str, ReplacedNames] = {}
        #: Locks from before that stayed as they were: who holds it, under which name.
        self.locks_left: list[tuple[str, str]] = []

    @property
    def installed(self) -> dict[str, ReplacedNames]:
        """What is replaced in each patched module."""
        return dict(self._installed)

    @property
    def keepers(self) -> Keepers:
        """Who goes on with the originals."""
        return self._keepers

    def install(self, wanted: Iterable[str]) -> None:
        """Patches modules, and what has to be patched along with them.

        Parameters:
            wanted: their names.

        Raises:
            ValueError: one of them can't be patched.
        """
        names = _with_their_own(wanted)
        new = [name for name in TABLE if name in names and name not in self._installed]
        if not new:
            return
        self._warn(new)
        # All are imported before the first is changed.
        pairs = {name: import_row(TABLE[name]) for name in new}
        for name, (module, green) in pairs.items():
            self._installed[name] = ReplacedNames(module, green, differing_names(module, green))
        self._keepers.begin(module for module, _ in pairs.values())
        for name in new:
            self._installed[name].install()
        if "threading" in new:
            futures.install()
            locks.install()
            self.locks_left = exchange_locks(
                self._keepers.keeps,
                {RLockType: SharedRLock, LockType: importlib.import_module("threading").Lock},
            )

    def remove(self) -> None:
        """Gives all modules their originals back."""
        while self._installed:
            _, replaced = self._installed.popitem()
            replaced.remove()
        futures.remove()
        locks.remove()
        self._keepers.end()

    def original(self, module: str | types.ModuleType) -> types.ModuleType:
        """Returns a module as it is without patching.

        Raises:
            ImportError: there is no module of that name.
        """
        if isinstance(module, str):
            module = importlib.import_module(module)
        return self._keepers.original(module)

    def is_patched(self, module: str | types.ModuleType, name: str | None = None) -> bool:
        """Returns True if a module is patched, or a name in it."""
        found = self._installed.get(module if isinstance(module, str) else module.__name__)
        if found is None or name is None:
            return found is not None
        return name in found.originals

    def _warn(self, names: list[str]) -> None:
        what = ", ".join(names)
        if current() is not None or asyncio._get_running_loop() is not None:
            warnings.warn(
                f"{what}: patched while a loop runs; what has begun to wait goes on with the "
                f"originals. Patch first thing in the program",
                PatchWarning,
                stacklevel=4,
            )
        elif threading.get_ident() != threading.main_thread().ident:
            warnings.warn(
                f"{what}: patched in {threading.current_thread().name}, not in the main thread; "
                f"another thread may be in the middle of them. Patch first thing in the program",
                PatchWarning,
                stacklevel=4,
            )


def _with_their_own(wanted: Iterable[str]) -> set[str]:
    names: set[str] = set()
    for name in wanted:
        if name not in TABLE:
            raise ValueError(f"{name!r} can't be patched; what can is {', '.join(TABLE)}")
        names |= {name, *TABLE[name].along}
    return names


PATCHER = Patcher()
