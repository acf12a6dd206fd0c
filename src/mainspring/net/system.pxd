# The system's calls, as the transports use them: non-blocking, with the GIL held.

cdef extern from "<sys/socket.h>" nogil:
    struct sockaddr:
        unsigned short sa_family
    # Large and aligned enough for the address of any family.
    struct sockaddr_storage:
        pass
    struct msghdr:
        void* msg_name
        unsigned int msg_namelen
        iovec* msg_iov
        size_t msg_iovlen
        void* msg_control
        size_t msg_controllen
        int msg_flags
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    struct timespec:
        pass
    ctypedef unsigned int socklen_t
    ssize_t c_recv "recv" (int fd, void* buffer, size_t size, int flags)
    ssize_t c_send "send" (int fd, const void* buffer, size_t size, int flags)
    ssize_t c_sendmsg "sendmsg" (int fd, const msghdr* message, int flags)
    int c_recvmmsg "recvmmsg" (int fd, mmsghdr* messages, unsigned int count, int flags, timespec* timeout)
    int c_accept4 "accept4" (int fd, sockaddr* address, socklen_t* size, int flags)
    int c_shutdown "shutdown" (int fd, int how)
    int c_getsockname "getsockname" (int fd, sockaddr* address, socklen_t* size)
    int c_getpeername "getpeername" (int fd, sockaddr* address, socklen_t* size)
    int AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC, MSG_NOSIGNAL, SHUT_WR
cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len
    ssize_t c_writev "writev" (int fd, const iovec* chunks, int count)
cdef extern from "<netinet/in.h>" nogil:
    struct sockaddr_in:
        unsigned short sin_port
        unsigned int sin_addr
    struct sockaddr_in6:
        unsigned short sin6_port
        unsigned int sin6_flowinfo
        unsigned char sin6_addr
        unsigned int sin6_scope_id
    unsigned short ntohs(unsigned short)
    unsigned int ntohl(unsigned int)
cdef extern from "<arpa/inet.h>" nogil:
    const char* inet_ntop(int family, const void* address, char* text, socklen_t size)
cdef extern from "<sys/sendfile.h>" nogil:
    ctypedef long off_t
    ssize_t c_sendfile "sendfile" (int fd, int file, off_t* offset, size_t size)
cdef extern from "<unistd.h>" nogil:
    int c_close "close" (int fd)
    ssize_t c_read "read" (int fd, void* buffer, size_t size)
    ssize_t c_write "write" (int fd, const void* data, size_t size)
