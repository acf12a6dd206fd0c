"""`Waiting`: those that wait for something of a loop's own, and are told all at once."""

import asyncio

__all__ = ["Waiting"]


class Waiting:
    """A list of those that wait, in one loop.

    Parameters:
        loop: the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._futures: set[asyncio.Future[None]] = set()

    async def wait(self) -> None:
        """Waits until `tell`.

        Raises:
            BaseException: what that was given.
        """
        future = self._loop.create_future()
        self._futures.add(future)
        try:
            await future
        finally:
            self._futures.discard(future)

    def tell(self, error: BaseException | None = None) -> None:
        """Has all that wait now go on, or raises an exception in them.

        Parameters:
            error: the exception.
        """
        futures, self._futures = self._futures, set()
        for future in futures:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
