import socket as stdlib_socket

from mainspring.green.channel import Channel

class socket(stdlib_socket.socket):
    _channel: Channel
