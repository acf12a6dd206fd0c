# True once any context of the process has named a priority; until then nobody looks one up.
cdef bint is_any_named

cdef int level_of(object priority) except -1
cdef int level_in(object context) except -1
