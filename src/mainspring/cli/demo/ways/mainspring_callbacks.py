"""Mainspring with callbacks: a watch on each socket, busy work by `call_idle`.

Invariant: nothing here waits; each callback does what can be done now and returns.
"""

import asyncio
from typing import cast

from mainspring.cli.demo import priority_loop
from mainspring.cli.demo.priority_loop import IdleChunks, IdleLoop
from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import Work

READ_BYTES = 4096


class Transfer:
    """The callbacks of one transfer.

    Args:
        loop: the loop to run on.
        work: what there is to do.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Work) -> None:
        self._loop = loop
        self._work = work
        loop.add_writer(work.data, self._send)
        loop.add_reader(work.echo, self._echo)
        self._idle = IdleChunks(cast(IdleLoop, loop), work.busy) if work.busy else None

    def _send(self) -> None:
        try:
            self._work.mark_sent(self._work.data.send(self._work.unsent()))
        except BlockingIOError:
            return
        except ConnectionError:
            self._end()
            return
        if not self._work.unsent():
            self._end()

    def _echo(self) -> None:
        try:
            message = self._work.echo.recv(READ_BYTES)
            if message:
                self._work.echo.send(message)
                return
        except ConnectionError:
            pass
        self._loop.remove_reader(self._work.echo)

    def _end(self) -> None:
        self._loop.remove_writer(self._work.data)
        self._loop.remove_reader(self._work.echo)
        if self._idle is not None:
            self._idle.stop()
        self._loop.stop()


@register(
    "mainspring-callbacks",
    model="add_writer, add_reader, call_idle",
    order=50,
    unavailable=priority_loop.unavailable,
)
def run(work: Work) -> None:
    """Send `work` with callbacks; return when it is sent or the receiver left."""
    loop = priority_loop.new_event_loop()
    try:
        Transfer(loop, work)
        loop.run_forever()
    finally:
        loop.close()
