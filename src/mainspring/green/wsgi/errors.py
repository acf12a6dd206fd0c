"""What may go wrong with a request that isn't the application's fault.

Both are OSErrors, because that is what applications expect of an input that can't be read.
"""

from http import HTTPStatus

__all__ = ["Disconnected", "RequestError"]


class RequestError(OSError):
    """A request that is refused.

    Parameters:
        status: what it is answered with.
        reason: what is wrong with it, for the log.
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Disconnected(ConnectionError):
    """The client has gone, or takes nothing any more."""
