"""`Security`: TLS for a connection, as a machine that turns bytes into bytes.

Not the loop's own TLS, because a heartbeat must be encrypted and sent by another thread while the
loop stands still: here whoever holds the connection's lock may do that.
"""

import ssl

__all__ = ["Security", "make_context"]

_CHUNK = 1 << 16


class Security:
    """The client's side of one TLS session.

    Parameters:
        context: the settings.
        hostname: whom the certificate must be for.
    """

    def __init__(self, context: ssl.SSLContext, hostname: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=hostname or None
        )
        self._established = False

    def is_established(self) -> bool:
        """Tells whether the handshake is through."""
        return self._established

    def handshake(self, data: bytes = b"") -> bytes:
        """Goes on with the handshake; `is_established` tells if it is through.

        Parameters:
            data: what has come in.

        Returns:
            What is to be sent.

        Raises:
            ssl.SSLError: the peer isn't who it should be, or speaks no TLS.
        """
        if data:
            self._incoming.write(data)
        try:
            self._session.do_handshake()
            self._established = True
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """Returns what comes out of what has come in.

        Raises:
            ssl.SSLError: it was tampered with.
        """
        if data:
            self._incoming.write(data)
        parts = []
        try:
            while part := self._session.read(_CHUNK):
                parts.append(part)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return b"".join(parts)

    def encrypt(self, data: bytes) -> bytes:
        """Returns what is to be sent for some data."""
        if data:
            self._session.write(data)
        return self._outgoing.read()


def make_context(
    ca_file: str = "", cert_file: str = "", key_file: str = "", verify_hostname: bool = True
) -> ssl.SSLContext:
    """Makes the settings of TLS.

    Parameters:
        ca_file: the certificates to trust; empty for the system's.
        cert_file: the client's own certificate, if the broker wants one.
        key_file: its key, if it isn't in the same file.
        verify_hostname: whether the certificate must be for the host that was asked for.

    Raises:
        OSError: a file can't be read.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    context.check_hostname = verify_hostname
    if cert_file:
        context.load_cert_chain(cert_file, key_file or None)
    return context
