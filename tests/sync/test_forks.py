"""Primitives after a fork: those that waited in other threads are not there in the child."""

from tests.loop.helpers import run_program


def test_a_child_passes_over_those_that_waited_in_other_threads():
    program = """
import os
import threading
import warnings
from mainspring import sync

warnings.simplefilter("ignore", DeprecationWarning)

lock, queue = sync.Lock(), sync.Queue()
lock.acquire().block()
for wait in (lock.acquire, queue.get):
    threading.Thread(target=lambda: wait().block(), daemon=True).start()
    while "waiters:1" not in repr(lock) or wait == queue.get and "_getters[1]" not in repr(queue):
        pass
child = os.fork()
if child == 0:
    lock.release()
    assert not lock.locked()
    with lock:
        queue.put_nowait("item")
        assert queue.get_nowait() == "item"
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_program(program) == (0, "7\n", "")


def test_green_threads_go_on_in_the_child_of_one_that_forks():
    program = """
import os
import mainspring
from mainspring import sync
from mainspring.green import await_, sleep, spawn

def main():
    lock, record = sync.Lock(), []
    with lock:
        waiter = spawn(lambda: record.append(await_(lock.acquire())))
        sleep(0)
        child = os.fork()
    await_(waiter)
    if child == 0:
        os._exit(7 if record == [True] else 8)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), record)

mainspring.run(main)
"""
    assert run_program(program) == (0, "7 [True]\n", "")
