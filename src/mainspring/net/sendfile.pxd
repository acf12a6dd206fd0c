from mainspring.net.system cimport off_t

cdef enum:
    DONE, MORE, FAILED


cdef class FileSend:
    cdef object future
    cdef int file
    cdef off_t offset
    cdef long long left
    cdef long long size
    cdef readonly long long sent

    cdef int send_some(self, int fd) noexcept
    cdef int end(self, object exc) except -1


cdef FileSend new_file_send(int file, object offset, object count, object size, object future)
cdef bint is_files_fault(int error) noexcept
