"""`Condition`: asyncio's, for every model.

Who is notified isn't woken: it moves from those that wait for the condition to those that wait for
the lock, which the notifier has, and goes on when it is given that. However its wait ends, with a
notice, with the end of its time or with an exception, it has the lock again; and one that ends with
an exception passes its notice on.
"""

import cython
from cython.cimports.mainspring.sync.lock import BaseLock, Lock
from cython.cimports.mainspring.sync.wait import Wait
from cython.cimports.mainspring.sync.waiters import CLOSED, WAITING, Waiters


class Condition:
    """A lock, and a list of those that wait, without it, until another notifies them.

    Parameters:
        lock: a `Lock` or an `RLock` of `mainspring.sync`; a new `Lock` by default.

    Raises:
        TypeError: `lock` is none.
    """

    def __init__(self, lock=None):
        if lock is None:
            lock = Lock()
        if not isinstance(lock, Lock):
            raise TypeError(f"a mainspring.sync.Lock or RLock was expected, got {lock!r}")
        self.lock = lock

    def __cinit__(self, *args, **kwargs):
        self.waiters = Waiters.__new__(Waiters)

    def __repr__(self):
        return self.waiters.show(self, "locked" if self.lock.is_locked else "unlocked")

    def __aenter__(self):
        return self.lock.__aenter__()

    def __aexit__(self, exc_type, exc, traceback):
        return self.lock.__aexit__(exc_type, exc, traceback)

    def __enter__(self):
        self.lock.__enter__()

    def __exit__(self, exc_type, exc, traceback):
        self.lock.release()

    def locked(self):
        """Returns True while somebody has the lock."""
        return self.lock.is_locked

    def acquire(self):
        """Waits for the lock; as its `acquire`."""
        return self.lock.acquire()

    def release(self):
        """Releases the lock; as its `release`."""
        self.lock.release()

    def wait(self):
        """Releases the lock, waits for a notice, and takes the lock again.

        Returns:
            An awaitable `Wait`, whose result is True.

        Raises:
            RuntimeError: when awaited, if nobody has the lock.
        """
        return wait_for(self, None)

    def wait_for(self, predicate):
        """Waits until a predicate is true, which is asked after each notice.

        Parameters:
            predicate: called without arguments, with the lock.

        Returns:
            An awaitable `Wait`, whose result is what the predicate returned.

        Raises:
            RuntimeError: when awaited, if nobody has the lock.
        """
        return wait_for(self, predicate)

    def notify(self, n=1):
        """Notifies the most urgent of those that wait, and among equals the first that came.

        Parameters:
            n: how many of them.

        Raises:
            RuntimeError: nobody has the lock.
        """
        self.refuse_free("notify")
        self.tell(n)

    def notify_all(self):
        """Notifies all that wait.

        Raises:
            RuntimeError: nobody has the lock.
        """
        self.refuse_free("notify")
        self.tell(self.waiters.count)

    def refuse_free(self, call: str):
        if not self.lock.is_locked:
            raise RuntimeError(f"cannot {call} on un-acquired lock")
        return 0

    def tell(self, count: cython.Py_ssize_t):
        """Notifies some."""
        wait: ConditionWait
        while count > 0 and self.waiters.count > 0:
            wait = self.waiters.choose()
            if wait is None:
                break
            wait.is_notified = True
            wait.want_lock()
            count -= 1
        return 0


class ConditionWait(Wait):
    """Waits for a notice, and then for the lock."""

    def attempt(self):
        # Asked once, though it is tried twice: its thread is noted in between.
        if self.predicate is not None and self.thread == 0:
            self.result = self.predicate()
            if self.result:
                return True
        self.condition.refuse_free("wait")
        return False

    def enlist(self):
        lock: BaseLock = self.condition.lock
        self.is_notified = False
        self.depth = lock.depth
        self.condition.waiters.add(self)
        return lock.let_go()

    def want_lock(self):
        return self.condition.lock.seek(self)

    def finish(self):
        self.end_loan()
        self.condition.lock.taken(self)
        self.condition.lock.depth = self.depth
        if self.error is not None:
            if self.is_notified:
                self.condition.tell(1)
            return True
        if self.predicate is None:
            self.result = self.is_notified
            return True
        try:
            self.result = self.predicate()
        except BaseException as exc:
            self.error = exc
            return True
        if self.result or self.is_late:
            return True
        self.state = WAITING
        self.enlist()
        return False

    def fail(self, error):
        lock: BaseLock = self.condition.lock
        if self.state == WAITING:
            if not isinstance(error, GeneratorExit):
                self.error = error
                # The future that it waited on was cancelled; there will be another.
                self.future = None
                if self.waiters is self.condition.waiters:
                    self.waiters.remove(self)
                    self.want_lock()
                elif not lock.is_locked and not lock.has_chosen():
                    # It was passed over, as one that was cancelled.
                    lock.hand_over()
                return False
            self.waiters.remove(self)
            self.end_loan()
        elif not isinstance(error, GeneratorExit):
            self.error = error
            return False
        elif lock.chosen is self:
            self.end_loan()
            lock.hand_over()
        self.state = CLOSED
        if self.is_notified:
            self.condition.tell(1)
        return True

    def expire_now(self):
        if self.state == WAITING and self.waiters is self.condition.waiters:
            self.waiters.remove(self)
            self.is_late = True
            self.want_lock()
        return 0

    def name(self):
        return f"Condition.{'wait' if self.predicate is None else 'wait_for'}"


@cython.cfunc
def wait_for(condition: Condition, predicate) -> ConditionWait:
    wait: ConditionWait = ConditionWait.__new__(ConditionWait)
    wait.condition = condition
    wait.predicate = predicate
    return wait
