"""`AsyncResult`: a value, or an exception, that is set once and that any number wait for."""

import types

from cython.cimports.mainspring.sync.flag import Flag, wait_for
from cython.cimports.mainspring.sync.wait import Wait


class AsyncResult(Flag):
    """A result that is to come. It may be set from any thread, and awaited in every model.

    `await result`, `await_(result)` and `get()` return the value or raise the exception; `wait()`
    only waits.
    """

    def __init__(self):
        pass

    @classmethod
    def __class_getitem__(cls, item):
        return types.GenericAlias(cls, item)

    def __await__(self):
        return wait_for(self, "get", True)

    def __repr__(self):
        if not self.is_up:
            return self.waiters.show(self, "pending")
        return self.waiters.show(self, "result" if self._exception is None else "exception")

    def outcome(self, wait: Wait):
        wait.result = self._value
        wait.error = self._exception
        return 0

    def get(self):
        """Waits until there is a result.

        Returns:
            An awaitable `Wait`, whose result is the value; it raises the exception if one was set.
        """
        return wait_for(self, "get", True)

    def wait(self):
        """Waits until there is a result, whichever it is.

        Returns:
            An awaitable `Wait`, whose result is True.
        """
        return wait_for(self, "wait", False)

    def get_nowait(self):
        """Returns the value, or raises the exception.

        Raises:
            TimeoutError: there is neither yet.
        """
        if not self.is_up:
            raise TimeoutError(f"{self!r} has no result yet")
        if self._exception is not None:
            raise self._exception
        return self._value

    def set(self, value=None):
        """Sets the value, and wakes all that wait.

        Raises:
            RuntimeError: there is a result already.
        """
        self._refuse_twice()
        self._value = value
        self.put_up()

    def set_exception(self, exception):
        """Sets an exception in place of a value, and wakes all that wait.

        Parameters:
            exception: an exception, or its type.

        Raises:
            RuntimeError: there is a result already.
            TypeError: it is no exception.
        """
        if isinstance(exception, type) and issubclass(exception, BaseException):
            exception = exception()
        if not isinstance(exception, BaseException):
            raise TypeError(f"an exception was expected, got {exception!r}")
        if isinstance(exception, StopIteration):
            # It would look like a return to who awaits it.
            error = RuntimeError("StopIteration cannot be the exception of a result")
            error.__cause__ = exception
            exception = error
        self._refuse_twice()
        self._exception = exception
        self.put_up()

    def _refuse_twice(self):
        if self.is_up:
            raise RuntimeError(f"{self!r} has its result already")

    def ready(self):
        """Returns True when there is a result."""
        return self.is_up

    def done(self):
        """Returns True when there is a result: the word of futures."""
        return self.is_up

    def successful(self):
        """Returns True when there is a value."""
        return self.is_up and self._exception is None

    @property
    def value(self):
        """The value; None as long as there is none."""
        return self._value

    @property
    def exception(self):
        """The exception; None as long as there is none."""
        return self._exception
