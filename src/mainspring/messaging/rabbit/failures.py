"""An exception on the wire: JSON in JSON in JSON.

oslo.messaging's form knows no cause; ours adds one under a key that it ignores. A class that has
come from elsewhere and is raised again (`..._Remote`) gets its own name back.
"""

from typing import Any

from mainspring.messaging.errors import EncodeError
from mainspring.messaging.messages import Failure
from mainspring.messaging.rabbit.envelope import MalformedMessage
from mainspring.messaging.rabbit.forms import dumps, loads

__all__ = ["decode_failure", "encode_failure"]

_REMOTE = "_Remote"
# A chain of causes that is longer than this is cut: it came from outside.
_LONGEST_CHAIN = 32


def encode_failure(failure: Failure) -> str:
    """Returns a failure as JSON.

    Arguments that have no form are sent as their `repr`: an error always comes back.
    """
    try:
        return dumps(_as_dict(failure, 0))
    except EncodeError:
        return dumps(_as_dict(_with_plain_arguments(failure), 0))


def _as_dict(failure: Failure, depth: int) -> dict[str, Any]:
    name, module = failure.name, failure.module
    if name.endswith(_REMOTE) and module.endswith(_REMOTE):
        name, module = name.removesuffix(_REMOTE), module.removesuffix(_REMOTE)
    fields: dict[str, Any] = {
        "class": name,
        "module": module,
        "message": failure.message,
        "tb": list(failure.traceback),
        "args": list(failure.args),
        "kwargs": dict(failure.kwargs),
    }
    if failure.cause is not None and depth < _LONGEST_CHAIN:
        fields["cause"] = _as_dict(failure.cause, depth + 1)
    return fields


def _with_plain_arguments(failure: Failure) -> Failure:
    plain = failure._replace(
        args=tuple(_plain(arg) for arg in failure.args),
        kwargs={str(name): _plain(value) for name, value in failure.kwargs.items()},
    )
    if failure.cause is not None:
        plain = plain._replace(cause=_with_plain_arguments(failure.cause))
    return plain


def _plain(value: Any) -> Any:
    try:
        dumps(value)
    except EncodeError:
        try:
            return repr(value)
        except Exception:
            return f"<{type(value).__qualname__}>"
    return value


def decode_failure(text: str) -> Failure:
    """Returns the failure that JSON describes.

    Raises:
        MalformedMessage: it describes none.
    """
    try:
        return _from_dict(loads(text), 0)
    except (ValueError, TypeError, AttributeError) as exc:
        raise MalformedMessage(f"no failure: {exc}; {text[:80]!r}") from exc


def _from_dict(fields: dict[str, Any], depth: int) -> Failure:
    cause = fields.get("cause")
    return Failure(
        name=str(fields.get("class")),
        module=str(fields.get("module")),
        message=str(fields.get("message", "")),
        args=tuple(fields.get("args") or ()),
        kwargs=dict(fields.get("kwargs") or {}),
        traceback=tuple(str(line) for line in fields.get("tb") or ()),
        cause=_from_dict(cause, depth + 1) if cause and depth < _LONGEST_CHAIN else None,
    )
