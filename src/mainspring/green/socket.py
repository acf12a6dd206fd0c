"""The stdlib's `socket` for green threads: what would block waits greenly there.

In an OS thread, and in the code of coroutines and callbacks, it is the stdlib's.
"""

import socket as _stdlib
from socket import *
from socket import SocketType as SocketType

from mainspring.green.dns import (
    getaddrinfo,
    gethostbyaddr,
    gethostbyname,
    gethostbyname_ex,
    getnameinfo,
)
from mainspring.green.socket_class import socket
from mainspring.green.stdlib import adopt, rebind

# What differs from the stdlib's module.
__implements__ = (
    "create_connection",
    "create_server",
    "fromfd",
    "getaddrinfo",
    "getfqdn",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname_ex",
    "getnameinfo",
    "has_dualstack_ipv6",
    "recv_fds",
    "send_fds",
    "socket",
    "socketpair",
    "_fallback_socketpair",
)
__all__ = _stdlib.__all__

create_connection = rebind(_stdlib.create_connection, globals())
create_server = rebind(_stdlib.create_server, globals())
fromfd = rebind(_stdlib.fromfd, globals())
getfqdn = rebind(_stdlib.getfqdn, globals())
has_dualstack_ipv6 = rebind(_stdlib.has_dualstack_ipv6, globals())
recv_fds = rebind(_stdlib.recv_fds, globals())
send_fds = rebind(_stdlib.send_fds, globals())
socketpair = rebind(_stdlib.socketpair, globals())
if hasattr(_stdlib, "_fallback_socketpair"):
    # From 3.12.5 on: the `socketpair` of systems that have none, with a check of who connects.
    _fallback_socketpair = rebind(_stdlib._fallback_socketpair, globals())

adopt(globals(), _stdlib)
