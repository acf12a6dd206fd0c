"""`IdleCall`: one call of a function in the idle thread, behind the gate.

It can be interrupted: an exception is raised in the function at its next safe point. That is sound
because this file is compiled: an exception that is sent to a thread comes up in interpreted code
only, so it is either raised in the function, or taken back when the function has returned.
"""

import cython
from cython.cimports.mainspring.core.capi import PyThread_get_thread_ident
from cython.cimports.mainspring.core.idle_call import PyThreadState_SetAsyncExc, clear_async_exc


class IdleCall:
    """A call that is to be made in the idle thread.

    Parameters:
        gate: the loop's.
        context: the `contextvars.Context` to make it in.
        function: what to call, with `args` and `kwargs`.
    """

    def __cinit__(self, gate, context, function, args, kwargs):
        self.gate = gate
        self.gate.prepare()
        self.context = context
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def run(self):
        """Makes the call, in the calling thread; once.

        Returns:
            What the function returns.

        Raises:
            BaseException: what the function raises, or what it was interrupted with.
        """
        self.gate.enter()
        try:
            if self.interruption is not None:
                raise self.interruption
            self.thread = PyThread_get_thread_ident()
            return self.context.run(self.function, *self.args, **self.kwargs)
        finally:
            if self.thread != 0:
                clear_async_exc(self.thread, cython.NULL)
                self.thread = 0
            self.gate.leave()
            self.function = None
            self.args = None
            self.kwargs = None

    def interrupt(self, exception):
        """Raises an exception in the function at its next safe point, or instead of calling it.

        Parameters:
            exception: a class of exceptions.

        Returns:
            False if the function has ended.
        """
        if self.thread != 0:
            return PyThreadState_SetAsyncExc(self.thread, exception) == 1
        # The idle thread has taken the call up, and stands aside before it begins.
        self.interruption = exception
        return self.function is not None
