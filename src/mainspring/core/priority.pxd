# True once any context of the process has named a priority; until then nobody looks one up.
cdef bint is_any_named

# Called when a block names a priority above DEFAULT; None as long as nobody wants to know.
cdef object on_raise

cdef void name_any() noexcept
cdef int level_of(object priority) except -1
cdef int level_in(object context) except -1
