from mainspring.sync.wait cimport Wait

ctypedef bint (*greenness)() noexcept

# Says whether a green call runs in this thread.
cdef greenness in_green

cdef int set_green(greenness test, object await_) except -1
cdef bint wait_here(Wait wait, object timeout) except -1
cdef object current_task()
cdef int enter(Wait wait, object primitive) except -1
cdef int refuse(str call, str instead) except -1
