from mainspring.net.system cimport sockaddr, socklen_t

cdef enum:
    ADDRESS_SIZE = 28
    FAMILY_SIZE = 2
    LARGEST_ADDRESS = 128


cdef struct Address:
    # As the system gave it; an IPv6 address just fits. What doesn't lies on the heap, and `raw`
    # begins with where.
    unsigned char raw[28]
    unsigned char size


cdef object address_tuple(Address* address)
cdef object sockaddr_to_python(sockaddr* given, socklen_t size)
cdef void drop_address(Address* address) noexcept
cdef void keep_address(Address* address, sockaddr* given, socklen_t size) noexcept
cdef void local_address(int fd, Address* address) noexcept
cdef void peer_address(int fd, Address* address) noexcept
