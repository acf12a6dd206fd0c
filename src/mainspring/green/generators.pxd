cdef class GeneratorCoroutine:
    cdef readonly object generator
    # What it waits for on behalf of the generator: an iterator of futures, or the generator itself.
    cdef object inner
    cdef bint has_begun
    cdef object __weakref__
    cdef object go_on(self, object sent, object error)
