"""UNIX sockets in the file system: binding to a path, and taking the file away again.

A path may be text or bytes; one that begins with a NUL is a name of Linux's that is in no file
system (abstract), for which there is nothing to take away. `SocketFile` removes only the file that
was bound here: by the time the server closes, another may have put its own in that place.
"""

import errno
import os
import socket
import stat
from asyncio.log import logger

__all__ = ["SocketFile", "bind_to_path", "name_path_in"]

_MAX_PATH = 108


class SocketFile:
    """The file of a bound socket.

    Parameters:
        sock: the socket; nothing is removed for one that isn't bound to a path.
    """

    def __init__(self, sock: socket.socket) -> None:
        name = sock.getsockname()
        self._path = None
        if isinstance(name, str) and name:
            # Absolute: the working folder may be another when it is to be removed.
            self._path = name if os.path.isabs(name) else os.path.abspath(name)
            try:
                self._identity = _identity(self._path)
            except OSError:
                self._path = None

    def remove(self) -> None:
        """Removes the file if it is still the same; logs why it couldn't be removed."""
        path, self._path = self._path, None
        if path is None:
            return
        try:
            if _identity(path) == self._identity:
                os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as exc:
            logger.error("Unable to clean up listening UNIX socket %r: %r", path, exc)


def bind_to_path(sock: socket.socket, path: str | bytes, mode: int | None = None) -> None:
    """Binds a UNIX socket; a socket file that lies there is taken for a stale one and removed.

    Parameters:
        sock: the socket.
        path: the path, or an abstract name.
        mode: permission bits for the file; by default what the umask leaves.

    Raises:
        ValueError: a mode for an abstract name, which has no file.
        OSError: the path can't be bound: it is taken by a file that is no socket, too long, in a
            folder that isn't there; the message names it.
    """
    has_file = path[:1] not in ("", b"", "\0", b"\0")
    if has_file:
        _remove_stale(path)
    elif mode is not None:
        raise ValueError(
            f"mode ({mode!r}) is only meaningful for a path, and {path!r} names no file"
        )
    try:
        sock.bind(path)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise OSError(exc.errno, f"Address {path!r} is already in use") from None
        raise name_path_in(exc, "bind to", path) from None
    if mode is not None:
        try:
            os.chmod(path, mode)
        except BaseException:
            os.unlink(path)
            raise


def name_path_in(exc: OSError, what: str, path: str | bytes) -> OSError:
    """Returns an error of the same type and number whose message names the path."""
    size = len(os.fsencode(path))
    if exc.errno is None and size >= _MAX_PATH:
        # The socket module finds that itself, and gives no number.
        return OSError(
            errno.ENAMETOOLONG,
            f"can't {what} {path!r}: AF_UNIX path too long "
            f"({size} bytes, the system takes {_MAX_PATH - 1}); use a shorter or a relative one",
        )
    reason = exc.strerror or str(exc)
    return OSError(exc.errno, f"can't {what} {path!r}: {reason}")


def _remove_stale(path: str | bytes) -> None:
    try:
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.remove(path)
    except FileNotFoundError:
        pass
    except OSError as exc:
        # The folder may let us make files and not remove them; binding tells the rest.
        logger.error("Unable to check or remove stale UNIX socket %r: %r", path, exc)


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
