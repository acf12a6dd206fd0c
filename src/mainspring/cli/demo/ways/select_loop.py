"""A plain `select` loop: poll both sockets, serve what is ready, else be busy.

The best a loop of one's own can do: it looks at the sockets with a timeout of 0 before
every chunk and runs the chunk only if nothing was ready. Invariant: no chunk begins
after a poll that showed something to do.
"""

import select

from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import Work

READ_BYTES = 4096


@register("select", model="a loop around poll()", order=20)
def run(work: Work) -> None:
    """Send `work` with a loop of our own; return when it is sent or the receiver left."""
    data, echo, busy = work.data, work.echo, work.busy
    poller = select.poll()
    poller.register(data, select.POLLOUT)
    poller.register(echo, select.POLLIN)
    data_fd, echo_fd = data.fileno(), echo.fileno()
    timeout = None if busy is None else 0
    while unsent := work.unsent():
        ready = poller.poll(timeout)
        for fd, _ in ready:
            if fd == data_fd:
                try:
                    work.mark_sent(data.send(unsent))
                except ConnectionError:
                    return
            elif fd == echo_fd:
                message = echo.recv(READ_BYTES)
                if message:
                    echo.send(message)
                else:
                    poller.unregister(echo)
        if not ready and busy is not None:
            busy.chunk()
