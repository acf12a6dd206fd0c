"""`start_tls`: puts TLS on a connection that has begun without."""

import asyncio
from typing import TYPE_CHECKING, Any

from mainspring.loop.checks import check_ssl
from mainspring.loop.part import Part

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["StartTLS"]


class StartTLS(Part):
    """The part of a loop that encrypts what is connected already."""

    async def start_tls(
        self,
        transport: Any,
        protocol: asyncio.BaseProtocol,
        sslcontext: "SSLContext",
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> asyncio.Transport | None:
        """Encrypts a connection from here on; asyncio's `start_tls`.

        Parameters:
            transport: a transport of this loop, TLS or not, or another that says that it can be
                used so, as asyncio's do; it is not to be used any more.
            protocol: goes on with the new transport, without another `connection_made`.
            sslcontext: an `ssl.SSLContext`.
            server_side: True for the side that accepts.
            server_hostname: whose certificate is asked for.
            ssl_handshake_timeout: seconds; 60 by default.
            ssl_shutdown_timeout: seconds; 30 by default.

        Returns:
            The transport that the protocol is to use now, once the handshake is done; None if the
            one below was closed before, without an error.

        Raises:
            TypeError: `sslcontext` is none, or `transport` can't be used so.
            ConnectionAbortedError: the handshake took too long.
            ConnectionResetError: the peer went away.
            ssl.SSLError: the handshake failed.
        """
        # Here, because an interpreter may lack the ssl module.
        from ssl import SSLContext

        if not isinstance(sslcontext, SSLContext):
            raise TypeError(
                f"sslcontext is expected to be an instance of ssl.SSLContext, got {sslcontext!r}"
            )
        if not getattr(transport, "_start_tls_compatible", False):
            raise TypeError(f"transport {transport!r} is not supported by start_tls()")
        options = check_ssl(
            sslcontext,
            ssl_handshake_timeout,
            ssl_shutdown_timeout,
            server_side=server_side,
            server_hostname=server_hostname,
        )
        assert options is not None
        waiter = self.create_future()
        encrypted = options.wrap(self, protocol, waiter, is_made=True)
        # Nothing is to come in before the handshake has begun.
        transport.pause_reading()
        if server_side and isinstance(protocol, asyncio.StreamReaderProtocol):
            encrypted.take_early(_read_ahead(protocol))
        transport.set_protocol(encrypted)
        begun = self.call_soon(encrypted.connection_made, transport)
        resumed = self.call_soon(transport.resume_reading)
        try:
            await waiter
        except BaseException:
            transport.close()
            begun.cancel()
            resumed.cancel()
            raise
        finally:
            # It holds the exception, which holds this frame.
            del waiter
        return None if encrypted.get_extra_info("ssl_object") is None else encrypted


def _read_ahead(protocol: asyncio.StreamReaderProtocol) -> bytes:
    """Takes what a stream reader holds already: the client may have begun its handshake."""
    reader = protocol._stream_reader  # type: ignore[attr-defined]
    if reader is None:
        return b""
    data = bytes(reader._buffer)
    reader._buffer.clear()
    return data
