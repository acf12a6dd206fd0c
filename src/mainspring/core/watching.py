"""`WatchScheduler`: callbacks for fds. asyncio's `add_reader` family, and the loop's own watchers.

Outside, asyncio's rule holds: one reader and one writer an fd, and the new replaces the old. Inside
an fd may have several watchers, so the loop's `sock_*` calls and a caller's `add_reader` on the
same fd don't throw each other out.

A socket that is received from again and again stays registered in between (`KeptWatcher`), until
the poll finds it ready while nobody waits, or anybody else comes to watch its number.
"""

import weakref

import cython
from cython.cimports.mainspring.core.callbacks import (
    CLOSED,
    CallbackScheduler,
    is_callback,
    refuse,
)
from cython.cimports.mainspring.core.capi import PyContext_CopyCurrent
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.mainspring.core.priority import level_in, level_of
from cython.cimports.mainspring.core.scheduler import Scheduler


class CallbackWatcher(Watcher):
    """Calls a callback whenever its fd is ready in one direction."""

    def cancel(self):
        """Takes the watcher away; does nothing the second time."""
        if not self.is_cancelled:
            self.loop._remove_watcher(self)

    def set_priority(self, priority):
        """Sets the `Priority` of the callback, from now on."""
        self.move_to(cython.cast(Scheduler, self.loop).queue, level_of(priority))

    def _repr_info(self):
        info = Watcher._repr_info(self)
        info.insert(1, f"fd={self.fd}")
        return info


class KeptWatcher(CallbackWatcher):
    """Stays registered when the call that it waited for is over, for the next on the same socket.

    While it is spare, the last poll found nothing to read: whoever wants to read may wait at once.
    It knows its socket by identity, because the number of one that was closed without a word to
    the loop may be another's by now.
    """

    def run(self):
        if self.is_spare:
            self.ready = 0
            self.loop._remove_watcher(self)
            return 0
        return CallbackWatcher.run(self)

    def release(self):
        """Lets go of the call; the registration stays."""
        if self.is_cancelled or self.is_spare:
            return
        if self.socket is None:
            self.loop._remove_watcher(self)
            return
        self.callback = None
        self.args = None
        self.context = None
        self.is_spare = True


class WatchScheduler(CallbackScheduler):
    """A scheduler that takes fds."""

    def add_reader(self, fd, callback, *args, priority=None):
        """Calls a callback whenever an fd is readable; replaces the fd's reader.

        Parameters:
            fd: a number or an object with `fileno()`.
            callback: what to call, with `args`.
            priority: a `Priority`; by default the one that the current context names.

        Raises:
            ValueError: `fd` names no fd, or `priority` is not one of the five.
            OSError: the fd can't be watched: it isn't open, or (PermissionError) is a regular file.
            RuntimeError: the loop is closed, or the fd belongs to a transport.
            TypeError: the callback can't be called.
        """
        self._add(fd, READ, callback, args, priority, "add_reader")

    def add_writer(self, fd, callback, *args, priority=None):
        """Calls a callback whenever an fd is writable; replaces the fd's writer.

        Parameters and errors are those of `add_reader`.
        """
        self._add(fd, WRITE, callback, args, priority, "add_writer")

    def remove_reader(self, fd):
        """Ends an fd's reader. Returns True if it had one.

        A socket that was closed meanwhile is known by the object that `add_reader` was given.

        Raises:
            ValueError: `fd` names no fd, or is closed and was never registered.
            RuntimeError: the fd belongs to a transport.
        """
        return self._remove(fd, READ)

    def remove_writer(self, fd):
        """Ends an fd's writer. Returns True if it had one.

        Closed sockets and errors are dealt with as `remove_reader` does.
        """
        return self._remove(fd, WRITE)

    def _add(self, fileobj, direction: cython.int, callback, args, priority, method: str):
        fd: cython.int = fileno_of(fileobj)
        self.check_free(fd)
        if self.is_shut:
            raise RuntimeError(CLOSED)
        if not is_callback(callback):
            refuse(callback, method)
        watcher: CallbackWatcher = self.new_watcher(fd, direction, callback, args, priority)
        watcher.fileobj = None if isinstance(fileobj, int) else fileobj
        if self.is_debug:
            self._check_thread()
            self.check_debug(watcher, callback, method)
        replaced: CallbackWatcher = self.find(fd, direction)
        self.fds.add(watcher, direction)
        if replaced is not None:
            self._remove_watcher(replaced)

    def _remove(self, fileobj, direction: cython.int):
        number = number_of(fileobj)
        if self.is_shut:
            return False
        watcher: CallbackWatcher
        if number < 0:
            watcher = self.find_closed(fileobj, direction)
        else:
            fd: cython.int = fileno_of(number)
            self.check_free(fd)
            watcher = self.find(fd, direction)
        if watcher is None:
            return False
        self._remove_watcher(watcher)
        return True

    def _watch(self, fd: cython.int, is_write: cython.bint, callback, *args):
        """Adds a watcher beside all others of the fd; returns it, to be cancelled."""
        direction: cython.int = WRITE if is_write else READ
        self.check_free(fd)
        if self.is_shut:
            raise RuntimeError(CLOSED)
        watcher: CallbackWatcher = self.new_watcher(fd, direction, callback, args, None)
        watcher.direction = 0
        self.fds.add(watcher, direction)
        return watcher

    def _find_kept(self, sock):
        """Returns the spare watcher of a socket, or None; it must be used, and released."""
        watcher: Watcher = self.fds.first(sock.fileno())
        while watcher is not None:
            if watcher.is_spare and cython.cast(KeptWatcher, watcher).socket() is sock:
                return watcher
            watcher = watcher.sibling
        return None

    def _watch_and_keep(self, kept, sock, callback, *args):
        """Calls a callback when a socket is readable, until `release()`.

        Parameters:
            kept: what `_find_kept` returned; None to register the socket first.
            sock: a socket.
            callback: what to call, with the watcher and `args`.

        Returns:
            The watcher, to be released as soon as there is nothing more to wait for.
        """
        fd: cython.int = sock.fileno()
        watcher: KeptWatcher = kept
        if watcher is None:
            self.check_free(fd)
            if self.is_shut:
                raise RuntimeError(CLOSED)
            watcher = KeptWatcher.__new__(KeptWatcher)
            try:
                watcher.socket = weakref.ref(sock)
            except TypeError:
                # Something else that has a socket's methods: not kept.
                pass
        self.fill(watcher, fd, callback, (watcher, *args), None)
        watcher.is_spare = False
        if kept is None:
            self.fds.add(watcher, READ)
        return watcher

    def _remove_watcher(self, watcher: CallbackWatcher):
        self.fds.remove(watcher)
        watcher.drop()

    def new_watcher(self, fd: cython.int, direction: cython.int, callback, args, priority):
        watcher: CallbackWatcher = CallbackWatcher.__new__(CallbackWatcher)
        watcher.direction = direction
        self.fill(watcher, fd, callback, args, priority)
        return watcher

    def fill(self, watcher: CallbackWatcher, fd: cython.int, callback, args, priority):
        watcher.loop = self
        watcher.callback = callback
        watcher.args = args
        watcher.context = PyContext_CopyCurrent()
        watcher.fd = fd
        watcher.base_level = level_in(watcher.context) if priority is None else level_of(priority)
        return 0

    def find(self, fd: cython.int, direction: cython.int):
        """Returns the watcher that `add_reader` or `add_writer` gave an fd, or None."""
        watcher: Watcher = self.fds.first(fd)
        while watcher is not None:
            if isinstance(watcher, CallbackWatcher):
                if cython.cast(CallbackWatcher, watcher).direction == direction:
                    return watcher
            watcher = watcher.sibling
        return None

    def find_closed(self, fileobj, direction: cython.int):
        """Returns the watcher that was registered with an object that is closed now, or None.

        Its number may be another file's by now, so it is looked for by identity, among all.

        Raises:
            ValueError: nothing of the object is registered.
        """
        fd: cython.int
        is_known: cython.bint = False
        watcher: Watcher
        for fd in range(self.fds.size):
            watcher = self.fds.first(fd)
            while watcher is not None:
                if isinstance(watcher, CallbackWatcher):
                    found: CallbackWatcher = cython.cast(CallbackWatcher, watcher)
                    if found.fileobj is fileobj:
                        if found.direction == direction:
                            return found
                        is_known = True
                watcher = watcher.sibling
        if not is_known:
            # Raises.
            fileno_of(fileobj)
        return None

    def check_free(self, fd: cython.int):
        """Raises RuntimeError when a transport owns the fd."""
        watcher: Watcher = self.fds.first(fd)
        while watcher is not None:
            if not isinstance(watcher, CallbackWatcher) and not watcher.is_internal:
                raise RuntimeError(
                    f"File descriptor {fd!r} is used by transport {watcher!r}; "
                    f"close the transport, or use a socket of your own"
                )
            watcher = watcher.sibling
        return 0


def fileno_of(fileobj):
    """Returns the number of an fd given as such or as an object with `fileno()`.

    Raises:
        ValueError: it is neither, or is closed.
    """
    number = number_of(fileobj)
    if number < 0 or number > 0x7FFFFFFF:
        raise ValueError(f"Invalid file descriptor: {number}")
    return number


def number_of(fileobj):
    """Returns what a number, or an object with `fileno()`, says: negative if it is closed.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(fileobj, int):
        return fileobj
    try:
        return int(fileobj.fileno())
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"Invalid file object: {fileobj!r}") from None
