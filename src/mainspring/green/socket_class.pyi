import socket as stdlib_socket
from errno import EAGAIN as EAGAIN
from errno import EWOULDBLOCK as EWOULDBLOCK

from mainspring.green.channel import Channel

FIRST_PAUSE: float
LONGEST_PAUSE: float
LONGEST_TIMEOUT: float
MOST_IN_ONE_CALL: int

class socket(stdlib_socket.socket):
    _channel: Channel
