# How many forks this process came out of.
cdef int age

cdef bint is_left(int since, unsigned long thread) except -1
