"""`GreenCoroutine`: what makes a task of a plain function.

To a task it is a coroutine: `send` runs the function until it waits for something, and hands that
to the task; when the task goes on, so does the function. So a green thread is an `asyncio.Task` as
any other, and `current_task()`, cancellation, timeouts, contextvars and priorities hold inside.
"""

import sys
import types
import warnings

import cython
from cython.cimports.mainspring.green.call import (
    CLOSED,
    CREATED,
    RUNNING,
    SUSPENDED,
    GreenCall,
    forget,
    step,
    to_go_on_with,
)
from cython.cimports.mainspring.loop.iterators import answer, as_exception
from cython.cimports.mainspring.loop.step_slots import install_slots

from mainspring.green.call import unraisable


@cython.final
@cython.cclass
class GreenCoroutine(GreenCall):
    """A call of a plain function as a coroutine; the function may wait with `await_`.

    Parameters:
        function: what to call.
        args: its positional arguments.
        kwargs: its keyword arguments.
    """

    @classmethod
    def __class_getitem__(cls, item):
        return types.GenericAlias(cls, item)

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return answer(step, self, None, None)

    def send(self, value):
        """Runs the function until it waits or ends.

        Parameters:
            value: what the waiting call in the function returns.

        Returns:
            What the function waits for; None if it lets others run.

        Raises:
            StopIteration: the function returned; its `value` is the result.
            BaseException: what the function raised.
        """
        return answer(step, self, value, None)

    def throw(self, typ, value=None, traceback=None):
        """Raises an exception in the function where it waits, and goes on as `send` does.

        Parameters:
            typ: the exception; or its type, with `value` and `traceback` as generators take them.
        """
        return answer(step, self, None, as_exception(typ, value, traceback))

    def close(self):
        """Ends the function with a GeneratorExit where it waits; does nothing if it has ended.

        Raises:
            RuntimeError: the function caught it and waits again.
            ValueError: the function runs.
        """
        if self.state == CREATED:
            self.state = CLOSED
            forget(self)
        if self.state == CLOSED:
            return
        self.interruptions = None
        try:
            answer(step, self, None, GeneratorExit())
        except (GeneratorExit, StopIteration):
            return
        raise RuntimeError(f"{self!r} ignored GeneratorExit")

    def __del__(self):
        if self.args is None:
            # It has ended, or was never made.
            return
        if self.state == CREATED:
            warnings.warn(f"{self!r} was never awaited", RuntimeWarning, source=self)
        elif self.state == SUSPENDED:
            try:
                self.close()
            except BaseException as exc:
                sys.unraisablehook(unraisable(exc, self))

    def __getattr__(self, name):
        # Cython has no properties of these names.
        if name == "__name__" or name == "__qualname__":
            return getattr(self.function, name, None) or type(self.function).__qualname__
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def cr_running(self):
        return self.state == RUNNING

    @property
    def cr_suspended(self):
        return self.state == SUSPENDED

    @property
    def cr_await(self):
        return self.outcome if self.state == SUSPENDED else None

    @property
    def cr_code(self):
        return getattr(self.function, "__code__", None)

    @property
    def cr_origin(self):
        return None

    @property
    def cr_frame(self):
        """The innermost frame of the function while it waits."""
        if self.state != SUSPENDED:
            return None
        return cython.cast(object, to_go_on_with(self)).gr_frame

    def __repr__(self):
        return f"<green call {self.__qualname__} at {id(self):#x}>"


install_slots(GreenCoroutine, step)
