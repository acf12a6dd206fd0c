"""Modules that go on with the originals: asyncio, importlib, the executors, and Mainspring itself.

Their globals get second module objects, which show the stdlib's modules as they were. What of them
is imported later is run with an `import` statement of its own, that does the same. A patched module
keeps the originals of the others too: what it has itself is the original of something.
"""

import builtins
import importlib.machinery
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mainspring.green.patching.namespace import second_module

__all__ = ["Keepers"]

FAMILIES = frozenset(
    {
        "_frozen_importlib",
        "_frozen_importlib_external",
        "asyncio",
        "concurrent",
        "importlib",
        "mainspring",
        "multiprocessing",
    }
)


class Keepers:
    """Which modules keep the originals, and what they see of each stdlib module.

    Parameters:
        families: names of modules that keep them, with all below them.
    """

    def __init__(self, families: frozenset[str] = FAMILIES) -> None:
        self._families = families
        self._seconds: dict[str, types.ModuleType] = {}
        self._patched: dict[int, types.ModuleType] = {}
        self._finder = _Finder(self)

    def original(self, module: types.ModuleType) -> types.ModuleType:
        """Returns a module object that shows a module as it was."""
        second = self._seconds.get(module.__name__)
        if second is None or vars(second) is not vars(module):
            second = self._seconds[module.__name__] = second_module(module)
        return second

    def keeps(self, name: str) -> bool:
        """Returns True for the name of a module that goes on with the originals."""
        return self.is_of_family(name) or any(
            module.__name__ == name for module in self._patched.values()
        )

    def is_of_family(self, name: str) -> bool:
        """Returns True for the name of a module that does so whatever is patched."""
        return name.partition(".")[0] in self._families

    def begin(self, patched: Iterable[types.ModuleType]) -> None:
        """Has the keepers go on with what some modules are now.

        Parameters:
            patched: the stdlib's modules that are about to be patched.
        """
        self._patched.update({id(module): module for module in patched})
        self._exchange({key: self.original(module) for key, module in self._patched.items()})
        if self._patched and self._finder not in sys.meta_path:
            sys.meta_path.insert(0, self._finder)

    def end(self) -> None:
        """Gives the keepers the modules themselves back."""
        back = {id(self.original(module)): module for module in self._patched.values()}
        self._exchange(back)
        self._patched.clear()
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def restore(self, module: types.ModuleType) -> None:
        """Has one module, which was run just now, go on with the originals."""
        _exchange_in(module, {key: self.original(each) for key, each in self._patched.items()})

    def see(self, module: types.ModuleType) -> types.ModuleType:
        """Returns what a keeper sees of a module that it imports."""
        return self.original(module) if id(module) in self._patched else module

    def loaded(self) -> Iterator[types.ModuleType]:
        """Yields the keepers among the modules that are loaded."""
        for name, module in list(sys.modules.items()):
            if isinstance(module, types.ModuleType) and self.keeps(name):
                yield module

    def _exchange(self, instead: dict[int, types.ModuleType]) -> None:
        for module in self.loaded():
            _exchange_in(module, instead)


def _exchange_in(module: types.ModuleType, instead: dict[int, types.ModuleType]) -> None:
    names = vars(module)
    for name, value in list(names.items()):
        other = instead.get(id(value))
        if other is not None and isinstance(value, types.ModuleType):
            names[name] = other


class _Finder:
    """Finds the keepers that are imported after patching, and has them keep the originals."""

    def __init__(self, keepers: Keepers) -> None:
        self._keepers = keepers

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not self._keepers.is_of_family(name):
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: importlib.machinery.ModuleSpec | None = find(name, path, target)
            if spec is not None:
                _prepare(spec, self._keepers)
                return spec
        return None


_LOADERS_OF_FILES = (
    importlib.machinery.SourceFileLoader,
    importlib.machinery.ExtensionFileLoader,
)


def _prepare(spec: importlib.machinery.ModuleSpec, keepers: Keepers) -> None:
    loader: Any = spec.loader
    if not isinstance(loader, _LOADERS_OF_FILES):
        return
    run = loader.exec_module

    def exec_module(module: types.ModuleType) -> None:
        if isinstance(loader, importlib.machinery.SourceFileLoader):
            vars(module)["__builtins__"] = _builtins_of_keepers(keepers)
        run(module)
        # A compiled module has no use for an `import` of its own.
        keepers.restore(module)

    loader.exec_module = exec_module  # type: ignore[method-assign]


def _builtins_of_keepers(keepers: Keepers) -> dict[str, Any]:
    names = dict(vars(builtins))
    import_: Callable[..., Any] = names["__import__"]

    def import_original(name: str, *args: Any, **kwargs: Any) -> Any:
        module = import_(name, *args, **kwargs)
        return keepers.see(module) if isinstance(module, types.ModuleType) else module

    names["__import__"] = import_original
    return names
