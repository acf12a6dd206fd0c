"""GLib's sources by ctypes, without PyGObject, in a context of a test's own."""

import ctypes
from collections.abc import Callable
from typing import Any

glib = ctypes.CDLL("libglib-2.0.so.0")

P, INT, UINT = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint
SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "g_main_context_new": (P, []),
    "g_main_context_unref": (None, [P]),
    "g_main_context_acquire": (INT, [P]),
    "g_main_context_release": (None, [P]),
    "g_main_context_wakeup": (None, [P]),
    "g_main_context_is_owner": (INT, [P]),
    "g_main_context_iteration": (INT, [P, INT]),
    "g_main_loop_new": (P, [P, INT]),
    "g_main_loop_run": (None, [P]),
    "g_main_loop_quit": (None, [P]),
    "g_main_loop_unref": (None, [P]),
    "g_idle_source_new": (P, []),
    "g_timeout_source_new": (P, [UINT]),
    "g_unix_fd_source_new": (P, [INT, INT]),
    "g_source_attach": (UINT, [P, P]),
    "g_source_destroy": (None, [P]),
    "g_source_unref": (None, [P]),
    "g_source_set_callback": (None, [P, P, P, P]),
    "g_source_set_priority": (None, [P, INT]),
}
for name, (result, parameters) in SIGNATURES.items():
    function = getattr(glib, name)
    function.restype, function.argtypes = result, parameters

SOURCE_CALLBACK = ctypes.CFUNCTYPE(INT, P)
FD_CALLBACK = ctypes.CFUNCTYPE(INT, INT, INT, P)

IN, PRI, OUT, ERR, HUP, NVAL = 1, 2, 4, 8, 16, 32


class Context:
    """A GMainContext of its own.

    Attributes:
        address: where it is.
    """

    def __init__(self) -> None:
        self.address: int = glib.g_main_context_new()
        # GLib calls what must stay alive here.
        self._callbacks: list[Any] = []
        self._sources: list[int] = []

    def close(self) -> None:
        """Destroys the sources and lets go of the context."""
        for source in self._sources:
            glib.g_source_destroy(source)
            glib.g_source_unref(source)
        glib.g_main_context_unref(self.address)

    def always(
        self, call: Callable[[], object], priority: int = 0, *, times: int | None = None
    ) -> int:
        """Adds a source that is always ready; returns it.

        Parameters:
            call: what it calls.
            priority: GLib's.
            times: how often it is called, without end when None.
        """
        left = [times]

        def run(_: Any) -> int:
            if left[0] is not None:
                left[0] -= 1
            call()
            return left[0] != 0

        return self._add(glib.g_idle_source_new(), SOURCE_CALLBACK(run), priority)

    def once(self, call: Callable[[], object], priority: int = 0) -> int:
        """Adds a source that is ready once; returns it."""
        return self.always(call, priority, times=1)

    def after(self, milliseconds: int, call: Callable[[], object], priority: int = 0) -> int:
        """Adds a source that is ready once, after some time; returns it."""

        def run(_: Any) -> int:
            call()
            return 0

        source = glib.g_timeout_source_new(milliseconds)
        return self._add(source, SOURCE_CALLBACK(run), priority)

    def watch(self, fd: int, events: int, call: Callable[[int], object], priority: int = 0) -> int:
        """Adds a source that is ready when an fd is; it calls with what is ready. Returns it."""

        def run(fd: int, ready: int, _: Any) -> int:
            call(ready)
            return 1

        return self._add(glib.g_unix_fd_source_new(fd, events), FD_CALLBACK(run), priority)

    def destroy(self, source: int) -> None:
        """Ends a source."""
        glib.g_source_destroy(source)

    def run_nested(self, until: Callable[[Callable[[], None]], object]) -> None:
        """Runs a main loop of GLib's; `until` is given what ends it."""
        main_loop = glib.g_main_loop_new(self.address, False)
        until(lambda: glib.g_main_loop_quit(main_loop))
        glib.g_main_loop_run(main_loop)
        glib.g_main_loop_unref(main_loop)

    def _add(self, source: int, callback: Any, priority: int) -> int:
        self._callbacks.append(callback)
        glib.g_source_set_callback(source, ctypes.cast(callback, P), None, None)
        glib.g_source_set_priority(source, priority)
        glib.g_source_attach(source, self.address)
        self._sources.append(source)
        return source
