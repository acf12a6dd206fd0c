"""GLib's shared library, by ctypes: PyGObject doesn't show all of a context, and isn't needed.

Nothing is linked with it. Where PyGObject is loaded this is the same library, as there is one in a
process.
"""

import ctypes
from typing import Any

__all__ = ["address_of", "calls", "default_context"]

try:
    _glib = ctypes.CDLL("libglib-2.0.so.0")
except OSError as error:
    raise ImportError(
        f"mainspring.compat.glib needs GLib: install it from the system's packages, as "
        f"libglib2.0-0 on Debian ({error})"
    ) from None

_glib.g_main_context_default.restype = ctypes.c_void_p
_glib.g_main_context_get_thread_default.restype = ctypes.c_void_p

_CALLS = ("acquire", "release", "ref", "unref", "prepare", "query", "check", "dispatch")


def calls() -> tuple[int, ...]:
    """Returns the addresses of the functions that `ContextPhases` calls, in its order."""
    functions = [getattr(_glib, f"g_main_context_{name}") for name in _CALLS]
    return tuple(ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions)


def default_context() -> int:
    """Returns the address of the process's default context."""
    address: int = _glib.g_main_context_default()
    return address


def address_of(context: Any) -> int:
    """Returns the address of a context.

    Parameters:
        context: None for the default context; an address; PyGObject's `GLib.MainContext`.

    Raises:
        RuntimeError: another thread runs the context.
        TypeError: it is nothing of that kind.
    """
    if context is None:
        return default_context()
    if isinstance(context, int):
        return context
    if not all(hasattr(context, name) for name in ("acquire", "push_thread_default")):
        raise TypeError(f"a GLib.MainContext was expected, or its address, got {context!r}")
    # PyGObject doesn't tell the address, but GLib does: of what is this thread's default.
    if not context.acquire():
        raise RuntimeError(
            f"{context!r} can't be a source of a loop here, because another thread runs it "
            f"already: end that thread's main loop first"
        )
    try:
        context.push_thread_default()
        try:
            # The process's default context is told as none.
            return _glib.g_main_context_get_thread_default() or default_context()
        finally:
            context.pop_thread_default()
    finally:
        context.release()
