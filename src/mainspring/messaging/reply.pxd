cdef int hand_over(object task, object reply) except -1
