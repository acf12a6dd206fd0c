cdef extern from "Python.h":
    ctypedef struct PyThreadState


cdef class Gate:
    # A Gate of gate.h, which isn't included wherever this is.
    cdef void* state

    cdef void begin(self) noexcept
    cdef void end(self) noexcept
    cdef bint turn_is_due(self, long long now) noexcept
    cdef void give(self, long long now) noexcept
    cdef void prepare(self) noexcept
    cdef void enter(self) noexcept
    cdef void leave(self) noexcept


# Of a gate's `state`, or NULL. An object must not be passed on: its references would be counted
# without the GIL.
cdef PyThreadState* release(void* gate) noexcept
cdef void retake(void* gate, PyThreadState* state) noexcept
# The same for another library's callbacks, which are the loop's work and take the GIL themselves.
cdef PyThreadState* step_out(void* gate) noexcept
cdef void step_in(void* gate, PyThreadState* state) noexcept
