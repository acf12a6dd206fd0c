from mainspring.net.system cimport sockaddr, socklen_t

cdef enum:
    ADDRESS_SIZE = 28


cdef struct Address:
    # As the system gave it; an IPv6 address just fits.
    unsigned char raw[28]
    unsigned char size


cdef object address_tuple(Address* address)
cdef void keep_address(Address* address, sockaddr* given, socklen_t size) noexcept
cdef void local_address(int fd, Address* address) noexcept
cdef void peer_address(int fd, Address* address) noexcept
