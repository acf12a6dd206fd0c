cdef extern from "freelist.h":
    void keep_freed(object type) noexcept
