"""Locks that were made before patching: those of logging, and others that modules and objects hold.

To the interpreter's own `RLock` all green threads of an OS thread are one, so it excludes none of
them. Logging's are exchanged whatever else holds them; any other only if all that refers to it
could be found and changed, for two locks in the place of one are worse than one that is too weak.
What was left as it is, `kept` names.
"""

import gc
import logging
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

from mainspring.green.patching.natives import NativeRLock, RLockType
from mainspring.green.patching.rlock import SharedRLock

__all__ = ["exchange_locks", "install", "remove"]


class _ThreadingOfLogging(types.ModuleType):
    """What logging sees of `threading`: handlers that are made later get such a lock, too."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.modules["threading"], name)


_threading = _ThreadingOfLogging("threading")
vars(_threading)["RLock"] = SharedRLock


def install() -> None:
    """Exchanges logging's locks; those that are held at this moment stay."""
    logging.threading = _threading  # type: ignore[attr-defined]
    if type(logging._lock) is RLockType:  # type: ignore[attr-defined]
        logging._lock = SharedRLock()  # type: ignore[attr-defined]
    for reference in logging._handlerList:  # type: ignore[attr-defined]
        handler = reference()
        if handler is not None and type(handler.lock) is RLockType and _is_free(handler.lock):
            handler.lock = SharedRLock()


def remove() -> None:
    """Has handlers that are made from now on use the interpreter's locks again."""
    logging.threading = threading  # type: ignore[attr-defined]


def exchange_locks(
    keeps: Callable[[str], bool], make: dict[type, Callable[[], Any]]
) -> list[tuple[str, str]]:
    """Exchanges the locks that modules, classes and objects hold.

    Parameters:
        keeps: says for the name of a module whether that keeps its locks.
        make: what to call for the lock that replaces one of a type.

    Returns:
        Which locks stayed as they were: who holds it, and under which name.
    """
    # The first is for comparison: what refers to it is known.
    probe = types.SimpleNamespace(lock=NativeRLock())
    found: dict[int, tuple[Any, list[tuple[Any, str]]]]
    found = {id(probe.lock): (probe.lock, [(probe, "lock")])}
    others = 0
    gc.collect()
    for owner, name, lock in _held(tuple(make)):
        if owner is not probe:
            found.setdefault(id(lock), (lock, []))[1].append((owner, name))
        del lock
    kept = []
    for lock, places in found.values():
        if places[0][0] is probe:
            others = sys.getrefcount(lock) - 1
            continue
        module_names = [_module_of(owner) for owner, _ in places]
        if any(keeps(name) for name in module_names):
            continue
        is_whole = sys.getrefcount(lock) - others == len(places)
        if is_whole and _is_free(lock) and all(_can_set(owner) for owner, _ in places):
            new = make[type(lock)]()
            for owner, name in places:
                setattr(owner, name, new)
        else:
            kept += [(_name_of(owner), name) for owner, name in places]
    return kept


def _held(kinds: tuple[type, ...]) -> Iterator[tuple[Any, str, Any]]:
    """Yields each lock that somebody has as an attribute: the holder, the name, the lock."""
    for holder in gc.get_objects():
        if not any(type(held) in kinds for held in gc.get_referents(holder)):
            continue
        if isinstance(holder, dict):
            names = holder
            owners = [each for each in gc.get_referrers(holder) if _owns(each, holder)]
            if len(owners) != 1:
                continue
            owner = owners[0]
        else:
            owner = holder
            names = _names_of(owner) or {}
        for name, held in list(names.items()):
            if type(held) in kinds and isinstance(name, str):
                yield owner, name, held
                del held


def _owns(owner: Any, names: dict[str, Any]) -> bool:
    if isinstance(owner, type):
        # What `vars` gives is a view of it.
        return any(held is names for held in gc.get_referents(owner))
    return _names_of(owner) is names


def _names_of(owner: Any) -> dict[str, Any] | None:
    try:
        return object.__getattribute__(owner, "__dict__")  # type: ignore[no-any-return]
    except AttributeError:
        return None


def _module_of(owner: Any) -> str:
    if isinstance(owner, types.ModuleType):
        return owner.__name__
    kind = owner if isinstance(owner, type) else type(owner)
    return str(kind.__module__)


def _name_of(owner: Any) -> str:
    if isinstance(owner, types.ModuleType):
        return owner.__name__
    kind = owner if isinstance(owner, type) else type(owner)
    return f"{kind.__module__}.{kind.__qualname__}"


def _can_set(owner: Any) -> bool:
    return isinstance(owner, types.ModuleType | type) or type(owner).__dictoffset__ != 0


def _is_free(lock: Any) -> bool:
    # One that is held here could be taken once more.
    if getattr(lock, "_is_owned", lambda: False)() or not lock.acquire(blocking=False):
        return False
    lock.release()
    return True
