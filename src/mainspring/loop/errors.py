"""What becomes of errors that nobody waits for: asyncio's exception handlers.

Whatever goes wrong in a handler is reported too; only SystemExit and KeyboardInterrupt pass.
"""

import traceback
from asyncio.log import logger
from collections.abc import Callable
from typing import Any

from mainspring.loop.part import Part

type ExceptionHandler = Callable[[Any, dict[str, Any]], object]


class Errors(Part):
    """The exception handler of a loop."""

    def get_exception_handler(self) -> ExceptionHandler | None:
        """Returns the handler that was set, or None for the default one."""
        return self._exception_handler

    def set_exception_handler(self, handler: ExceptionHandler | None) -> None:
        """Sets what is called, as `handler(loop, context)`, for an error nobody waits for.

        Parameters:
            handler: a callable, or None for the default one, which logs.

        Raises:
            TypeError: `handler` is neither.
        """
        if handler is not None and not callable(handler):
            raise TypeError(f"A callable object or None is expected, got {handler!r}")
        self._exception_handler = handler

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Logs an error, with its traceback, on the logger `asyncio`."""
        message = context.get("message") or "Unhandled exception in event loop"
        exception = context.get("exception")
        lines = [message]
        for key in sorted(context):
            if key in ("message", "exception"):
                continue
            value = context[key]
            if key in ("source_traceback", "handle_traceback"):
                stack = "".join(traceback.format_list(value)).rstrip()
                what = "Object" if key == "source_traceback" else "Handle"
                value = f"{what} created at (most recent call last):\n{stack}"
                lines.append(f"{key}: {value}")
            else:
                lines.append(f"{key}: {value!r}")
        logger.error("\n".join(lines), exc_info=exception if exception is not None else False)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Reports an error to the loop's handler, in the context in which it happened if known.

        Parameters:
            context: `message` (str), and where known `exception`, `future`, `task`, `handle`,
                `protocol`, `transport`, `socket`, `asyncgen`.
        """
        handler = self._exception_handler
        if handler is None:
            self._log_by_default(context, None)
            return
        try:
            _call_where_it_happened(handler, self, context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self._log_by_default(
                {
                    "message": "Unhandled error in exception handler",
                    "exception": exc,
                    "context": context,
                },
                context,
            )

    def _log_by_default(
        self, context: dict[str, Any], first_context: dict[str, Any] | None
    ) -> None:
        try:
            self.default_exception_handler(context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            logger.error(
                "Exception in default exception handler"
                + (
                    f" while handling an unexpected error in custom exception handler: "
                    f"{first_context!r}"
                    if first_context is not None
                    else ""
                ),
                exc_info=True,
            )


def _call_where_it_happened(handler: ExceptionHandler, loop: Any, context: dict[str, Any]) -> None:
    """Calls a handler in the `contextvars.Context` of the task, future or handle at fault."""
    culprits = (context.get(name) for name in ("task", "future", "handle"))
    culprit: Any = next((found for found in culprits if found is not None), None)
    where: Any = culprit.get_context() if hasattr(culprit, "get_context") else None
    if not hasattr(where, "run"):
        handler(loop, context)
        return
    began = False

    def call() -> None:
        nonlocal began
        began = True
        handler(loop, context)

    try:
        where.run(call)
    except RuntimeError:
        if began:
            raise
        # It is entered already: whoever reports runs in it.
        handler(loop, context)
