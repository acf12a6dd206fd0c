"""`ReplacedNames`: a stdlib module whose attributes are, for some names, those of a green module.

The module object is given a subclass of its own class, with a descriptor for each of the names. Its
namespace stays as it is: the module's own functions and classes go on with the originals, and who
holds the original functions has the module as it was, whole. To undo it is to give the class back.
"""

import types
from collections.abc import Iterable
from typing import Any

__all__ = ["ReplacedNames"]

_NOTHING = object()


class _Name:
    """An attribute of a stdlib module that is read and set in the green module."""

    __slots__ = ("_green", "_name", "_original", "_replacement")

    def __init__(self, name: str, original: Any, green: dict[str, Any]) -> None:
        self._name = name
        self._original = original
        self._green = green
        self._replacement = green[name]

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        if module is None:
            return self
        try:
            return self._green[self._name]
        except KeyError:
            raise AttributeError(
                f"module {module.__name__!r} has no attribute {self._name!r}"
            ) from None

    def __set__(self, module: Any, value: Any) -> None:
        # `unittest.mock` takes what it puts back from the namespace: that is the original.
        self._green[self._name] = self._replacement if value is self._original else value

    def __delete__(self, module: Any) -> None:
        if self._green.pop(self._name, _NOTHING) is _NOTHING:
            raise AttributeError(self._name)


class ReplacedNames:
    """What is replaced in one stdlib module.

    Parameters:
        module: the stdlib's module.
        green: the module that has the replacements.
        names: which they are; those that the stdlib's module lacks are left out.
    """

    def __init__(
        self, module: types.ModuleType, green: types.ModuleType, names: Iterable[str]
    ) -> None:
        self.module = module
        self.green = green
        namespace = vars(module)
        #: The originals by their names.
        self.originals: dict[str, Any] = {
            name: namespace[name] for name in sorted(names) if name in namespace
        }
        self._class = type(module)
        self._green_names = vars(green)

    def install(self) -> None:
        """Replaces the names."""
        names = self._green_names
        replaced = {name: _Name(name, original, names) for name, original in self.originals.items()}
        namespace = vars(self.module)

        def set_attribute(module: Any, name: str, value: Any) -> None:
            # What the green module took over follows, so that who sets it sets it for both.
            if name not in replaced and names.get(name, _NOTHING) is namespace.get(name):
                names[name] = value
            self._class.__setattr__(module, name, value)

        def get_missing(module: Any, name: str) -> Any:
            return self._class.__getattribute__(module, name)

        # Code that has run before has learnt where a module's attributes are, and would go on to
        # take them from the namespace of whatever looks attributes up as modules do (since 3.14).
        body: dict[str, Any] = {
            **replaced,
            "__getattribute__": object.__getattribute__,
            "__getattr__": get_missing,
            "__setattr__": set_attribute,
            "__slots__": (),
        }
        self.module.__class__ = type(self._class.__name__, (self._class,), body)

    def remove(self) -> None:
        """Gives the module its originals back."""
        self.module.__class__ = self._class
