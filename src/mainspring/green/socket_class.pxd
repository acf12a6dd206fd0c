# Compiled: its methods run once per packet.

# The methods of the interpreter's own socket.
cdef object ACCEPT, CONNECT, GETSOCKOPT, RECV, RECV_INTO, RECVFROM, RECVFROM_INTO, RECVMSG
cdef object RECVMSG_INTO, SEND, SENDALL, SENDMSG, SENDTO, GETTIMEOUT, SETTIMEOUT
cdef int WAIT_FOR_ALL
