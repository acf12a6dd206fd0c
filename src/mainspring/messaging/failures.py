"""Exceptions on their way: what a server sends of one, and what its caller raises.

What is known on both sides arrives as what it was: the class, the arguments, the chain of causes.
Only classes that the caller allows are looked up: builtins, this package's errors, and modules that
it names. Anything else is a `RemoteError`, which has all of that as text. The remote traceback is
in `exc.remote_traceback`, and in the notes, which Python prints.
"""

import builtins
import importlib
import re
import traceback
from collections.abc import Collection

from mainspring.messaging import errors
from mainspring.messaging.messages import Failure

__all__ = ["failure_of", "plain_failure", "raised_by"]

# A chain that is longer is cut; one that goes in a circle, too.
LONGEST_CHAIN = 20

# Where oslo.messaging has the errors of its dispatcher, whose one argument is a sentence.
_OSLO_DISPATCHER = "oslo_messaging.rpc.dispatcher"
_OSLO_SENTENCE = re.compile(
    r"Endpoint does not support RPC (?:method (?P<method>\S+)"
    r"|version (?P<version>\S+?)\.(?: Attempted method: (?P<tried>\S+))?)$"
)


def failure_of(exc: BaseException, depth: int = 0) -> Failure:
    """Returns what travels of an exception.

    Parameters:
        exc: the exception.
        depth: how many it is the cause of.
    """
    kind = type(exc)
    cause = exc.__cause__ if depth < LONGEST_CHAIN else None
    members: tuple[Failure, ...] = ()
    args = exc.args
    if isinstance(exc, BaseExceptionGroup):
        members = tuple(failure_of(member, depth + 1) for member in exc.exceptions)
        args = (exc.message,)
    kwargs = getattr(exc, "kwargs", None)
    lines = traceback.format_exception(exc) if depth == 0 else ()
    return Failure(
        name=kind.__name__,
        module=kind.__module__,
        message=_text(exc),
        args=args,
        kwargs=kwargs if isinstance(kwargs, dict) else {},
        traceback=tuple(lines),
        cause=None if cause is None else failure_of(cause, depth + 1),
        exceptions=members,
    )


def plain_failure(failure: Failure) -> Failure:
    """Returns a failure without anything that a transport might not encode.

    Parameters:
        failure: one whose arguments can't be sent.

    Returns:
        The same, its arguments as text.
    """
    return failure._replace(
        args=tuple(arg if type(arg) in (str, int, bool) else _text(arg) for arg in failure.args),
        kwargs={},
        cause=None if failure.cause is None else plain_failure(failure.cause),
        exceptions=tuple(map(plain_failure, failure.exceptions)),
    )


def raised_by(failure: Failure, allowed: Collection[str] = ()) -> Exception:
    """Returns the exception that the caller of a failed call gets.

    Parameters:
        failure: what came.
        allowed: the modules whose exceptions may be made here.

    Returns:
        An exception of the remote class, or a `RemoteError`.
    """
    exc = _rebuild(failure, allowed)
    text = "".join(failure.traceback)
    exc.remote_traceback = text  # type: ignore[attr-defined]
    if text:
        exc.add_note(f"Remote traceback:\n{text.rstrip()}")
    return exc


def _rebuild(failure: Failure, allowed: Collection[str]) -> Exception:
    exc = _of_oslos_dispatcher(failure)
    kind = _class_of(failure, allowed)
    if kind is not None:
        args = failure.args
        if failure.exceptions:
            args = (*args, [_rebuild(member, allowed) for member in failure.exceptions])
        try:
            exc = kind(*args, **failure.kwargs)
        except Exception:
            # Its constructor wants something else: the text is all there is.
            exc = None
    if exc is None:
        exc = errors.RemoteError(
            failure.name, failure.message, "".join(failure.traceback), tuple(failure.args)
        )
    if failure.cause is not None:
        exc.__cause__ = _rebuild(failure.cause, allowed)
    return exc


def _class_of(failure: Failure, allowed: Collection[str]) -> type[Exception] | None:
    found: object = None
    if failure.module in ("builtins", "exceptions"):
        found = getattr(builtins, failure.name, None)
    elif failure.module == errors.__name__:
        found = getattr(errors, failure.name, None)
    elif failure.module in allowed:
        try:
            found = getattr(importlib.import_module(failure.module), failure.name, None)
        except ImportError:
            return None
    if isinstance(found, type) and issubclass(found, Exception):
        return found
    return None


def _of_oslos_dispatcher(failure: Failure) -> Exception | None:
    """Returns our own error for what oslo.messaging's dispatcher raised, or None."""
    sentence = _OSLO_SENTENCE.match(failure.message)
    if failure.module != _OSLO_DISPATCHER or sentence is None:
        return None
    if sentence["method"]:
        return errors.NoSuchMethod(sentence["method"])
    return errors.UnsupportedVersion(sentence["version"], sentence["tried"])


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__} that can't be shown>"
