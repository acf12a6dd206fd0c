# What of the system's socket calls only green sockets use.

cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT
