"""Who runs here, and its way of waiting: a green thread, an OS thread, or the loop's own thread.

Green threads are above this layer: they say here how one is known, and how it waits. So do the
greenlets of other libraries, which wait by the same `await_`.
"""

from asyncio import events, tasks

import cython
from cython.cimports.mainspring.sync.wait import Wait
from cython.cimports.mainspring.sync.waiters import CLOSED

from mainspring.sync.errors import BlockingSwitchOutError

# Longer than that is for ever, and no number of nanoseconds.
LONGEST = cython.declare(cython.double, 1e9)

await_green = cython.declare(object, None)
# Set once there are greenlets of other libraries.
is_foreign = cython.declare(object, None)
get_running_loop = cython.declare(object, events._get_running_loop)
find_current_task = cython.declare(object, tasks.current_task)


@cython.cfunc
@cython.exceptval(check=False)
def _is_never_green() -> cython.bint:
    return False


in_green = _is_never_green


def set_green(test, await_):
    """Says how a green call is known, and what waits in one."""
    global in_green, await_green
    in_green = test
    await_green = await_
    return 0


def set_foreign(test):
    """Says how a greenlet of another library is known, which may wait with `await_`.

    Parameters:
        test: called without arguments; returns True where one runs.
    """
    global is_foreign
    is_foreign = test


@cython.cfunc
def may_await() -> cython.bint:
    """Returns True where `await_` is the way of waiting."""
    return in_green() or (is_foreign is not None and is_foreign())


def current_task():
    """Returns the task that runs in this thread, or None."""
    loop = get_running_loop()
    return None if loop is None else find_current_task(loop)


def wait_here(wait: Wait, timeout):
    """Waits as one does here. Returns False if the time was over first.

    Parameters:
        wait: what for; it has not begun.
        timeout: seconds; None for ever.
    """
    if not may_await():
        return wait.block_thread(timeout)
    timer = None
    if timeout is not None and timeout < LONGEST:
        timer = get_running_loop().call_later(timeout, wait.expire)
    try:
        await_green(wait)
    finally:
        if timer is not None:
            timer.cancel()
    return not wait.is_late


def enter(wait: Wait, primitive):
    """Does what `with primitive:` begins with: waits as one does here, if there is need to.

    Parameters:
        wait: for the primitive; it has not begun.
        primitive: what is entered.

    Raises:
        BlockingSwitchOutError: it would have to wait, in the thread of a running loop.
    """
    if wait.attempt():
        wait.state = CLOSED
        return 0
    try:
        refuse(f"`with` {primitive!r}:", "`async with`")
    except BaseException:
        wait.state = CLOSED
        raise
    wait_here(wait, None)
    return 0


def refuse(call: str, instead: str):
    """Refuses to wait in the thread of a running loop, but for green threads.

    Parameters:
        call: what was called.
        instead: what a coroutine would write.

    Raises:
        BlockingSwitchOutError: a loop runs in this thread, and no green thread does.
    """
    if not may_await() and get_running_loop() is not None:
        raise BlockingSwitchOutError(
            f"{call} would have to wait in the thread of a running loop, which would stop; in a "
            f"coroutine use {instead}, or run the function as a green thread"
        )
    return 0
