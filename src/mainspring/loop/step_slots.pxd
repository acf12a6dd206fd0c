# step_slots.h.

from mainspring.loop.iterators cimport stepfunc

cdef extern from "step_slots.h":
    void install_slots(object type, stepfunc step) noexcept
