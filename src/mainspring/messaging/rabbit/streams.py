"""`StreamPosition`: how far a consumer has read a stream, so that it goes on after that.

A stream keeps its messages for all its consumers, and gives each message an offset. A consumer
begins after what it had: with what comes from now on the first time, after the last that was
delivered when the connection broke, and with all there is when the stream was removed and made
anew. No message is delivered twice to one consumer, although the broker may send it again.
"""

from typing import Any

from mainspring.messaging.rabbit.frames import Content
from mainspring.messaging.rabbit.methods import headers_of

__all__ = ["StreamPosition"]

_OFFSET = "x-stream-offset"


class StreamPosition:
    """A consumer's place in a stream."""

    def __init__(self) -> None:
        self._start: str = "next"
        self._received: int | None = None
        self._delivered: int | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What `basic.consume` says of where to begin."""
        return {_OFFSET: self._start if self._received is None else self._received + 1}

    def receive(self, content: Content) -> bool:
        """Takes note of what the broker has sent; False if it had come before.

        What has no offset is from another queue, and always new.
        """
        offset = self._offset(content)
        if offset is None:
            return True
        if self._received is not None and offset <= self._received:
            return False
        self._received = offset
        return True

    def deliver(self, content: Content) -> None:
        """Takes note that a receiver has got it."""
        offset = self._offset(content)
        if offset is not None:
            self._delivered = offset

    def detached(self) -> None:
        """What was received and not delivered is gone with the channel: it is asked for again."""
        self._received = self._delivered

    def removed(self) -> None:
        """The stream was removed: offsets begin anew, and all that a new one has is new."""
        self._start = "first"
        self._received = self._delivered = None

    def _offset(self, content: Content) -> int | None:
        if content.headers is None or _OFFSET.encode() not in content.headers:
            return None
        try:
            offset = headers_of(content.headers).get(_OFFSET)
        except ValueError:
            # Whoever decodes the message says what is wrong with it.
            return None
        return offset if isinstance(offset, int) else None
