"""The envelope around each message, and the compression around that.

The envelope is a JSON object with two entries: `oslo.version`, and `oslo.message`, which is the
message as a *text* of JSON, so it is encoded twice. An object without both is a message of the
time before envelopes, or a notification of the first form.
"""

import bz2
import zlib
from collections.abc import Callable
from typing import Any

from mainspring.messaging.rabbit.forms import dumps, loads, loads_marked, quoted
from mainspring.messaging.target import version_is_compatible

__all__ = ["COMPRESSIONS", "MalformedMessage", "compress", "decompress", "unwrap", "wrap"]

VERSION = "2.0"
_HEAD = f'{{"oslo.version": "{VERSION}", "oslo.message": '

# What `kombu_compression` may be. kombu's gzip is zlib's format, without gzip's own head.
COMPRESSIONS = {
    "gzip": "application/x-gzip",
    "zlib": "application/x-gzip",
    "bz2": "application/x-bz2",
    "bzip2": "application/x-bz2",
}
# Either head is accepted. A message is bounded by what a broker takes; what it unpacks to is not.
_LARGEST = 1 << 30
_AUTO_DETECT = 32 + zlib.MAX_WBITS


class MalformedMessage(ValueError):
    """What came isn't a message of this wire: it is rejected, and can't come right by itself."""


def wrap(message: dict[str, Any]) -> bytes:
    """Returns the body of a message in its envelope.

    Raises:
        EncodeError: a value has no form.
    """
    return f"{_HEAD}{quoted(dumps(message))}}}".encode()


def unwrap(body: bytes) -> tuple[dict[str, Any], bool]:
    """Returns a message, and whether it was in an envelope.

    Parameters:
        body: what came, decompressed.

    Raises:
        MalformedMessage: it isn't JSON, not an object, or in an envelope of another version.
    """
    try:
        text = body.decode()
        outer = loads(text)
        if not isinstance(outer, dict):
            raise MalformedMessage(f"a message is an object, not {text[:80]!r}")
        if "oslo.message" not in outer or "oslo.version" not in outer:
            return loads_marked(text), False
        version = outer["oslo.version"]
        if version != VERSION and not version_is_compatible(VERSION, version):
            raise MalformedMessage(f"envelope {version!r} is not {VERSION}")
        inner = loads(outer["oslo.message"])
    except MalformedMessage:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise MalformedMessage(f"no message of oslo.messaging's: {exc}; {body[:80]!r}") from exc
    if not isinstance(inner, dict):
        raise MalformedMessage(f"an envelope holds an object, not {inner!r:.80}")
    return inner, True


def compress(body: bytes, content: str) -> bytes:
    """Compresses a body.

    Parameters:
        body: what to compress.
        content: a value of `COMPRESSIONS`.
    """
    return bz2.compress(body) if content == "application/x-bz2" else zlib.compress(body)


def decompress(body: bytes, content: str) -> bytes:
    """Decompresses a body; the counterpart of `compress`.

    Raises:
        MalformedMessage: the compression is unknown, the body broken, or larger than 1 GiB.
    """
    make = _DECOMPRESSORS.get(content)
    if make is None:
        raise MalformedMessage(f"compressed as {content!r}; only gzip and bz2 are known")
    try:
        machine = make()
        plain: bytes = machine.decompress(body, _LARGEST)
    except (zlib.error, OSError, EOFError) as exc:
        raise MalformedMessage(f"not {content}: {exc}") from exc
    if not machine.eof:
        raise MalformedMessage(f"{content} that ends early, or holds more than {_LARGEST} bytes")
    return plain


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "application/x-gzip": lambda: zlib.decompressobj(_AUTO_DETECT),
    "application/x-bz2": bz2.BZ2Decompressor,
}
