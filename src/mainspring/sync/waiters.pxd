from mainspring.loop.inheritance cimport Loan


cdef enum State:
    # Not begun; in a list; it has what it waits for; the time was over first; ended.
    NEW
    WAITING
    GIVEN
    EXPIRED
    CLOSED


cdef class Waiter:
    # The list it is in, and its neighbours there.
    cdef Waiters waiters
    cdef Waiter next
    cdef Waiter prev
    # A task that waits: its loop and context, and the future that it is suspended on.
    cdef object loop
    cdef object task
    cdef object context
    cdef object future
    # An OS thread that waits: what blocks it. For the rest see `forks`.
    cdef object block_lock
    cdef unsigned long thread
    cdef int age
    # A callback that waits, called with the result.
    cdef object callback
    cdef object result
    cdef Loan loan
    # At which it is served, as far as nothing newer is known.
    cdef signed char level
    cdef State state
    cdef object __weakref__

    cdef int end_loan(self) except -1
    cdef bint is_gone(self) except -1
    cdef int current_level(self) except -1
    cdef bint wake(self) except -1
    cdef int call_back(self) except -1


cdef class Waiters:
    # The two ends of the list.
    cdef Waiter first
    cdef Waiter last
    cdef readonly Py_ssize_t count

    cdef int add(self, Waiter wait) except -1
    cdef int add_first(self, Waiter wait) except -1
    cdef int remove(self, Waiter wait) except -1
    cdef Waiter choose(self)
    cdef list take_all(self)
    cdef int wake_all(self) except -1
    cdef str show(self, object primitive, str state)


cdef object report(object exc, object culprit)
cdef bint is_here(object loop) except -1
