"""`PipeFile`: one end of a pipe as a raw file, on which a green thread waits alone."""

import io
from typing import Any

from mainspring.green.call import current
from mainspring.green.channel import Channel

__all__ = ["PipeFile", "make_green"]

# What a pipe that is ready takes at once.
_PIECE = 4096


class PipeFile(io.RawIOBase):
    """A raw file over another, which it owns.

    Parameters:
        file: the file of a pipe's end.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._channel = Channel(file.fileno())

    @property
    def name(self) -> Any:
        """The name of the file: an fd's number."""
        return self._file.name

    @property
    def mode(self) -> str:
        """How the file was opened."""
        return self._file.mode

    def fileno(self) -> int:
        """Returns the fd."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Returns True for a terminal."""
        return self._file.isatty()

    def readable(self) -> bool:
        """Returns True for an end to read from."""
        return self._file.readable()

    def writable(self) -> bool:
        """Returns True for an end to write to."""
        return self._file.writable()

    def readinto(self, buffer: Any, /) -> int | None:
        """Reads what is there into a buffer; returns how many bytes, 0 at the end."""
        if current() is not None and not self.closed:
            self._channel.wait_until_ready(False)
        return self._file.readinto(buffer)

    def write(self, data: Any, /) -> int | None:
        """Writes; returns how many bytes."""
        if current() is None or self.closed:
            return self._file.write(data)
        self._channel.wait_until_ready(True)
        return self._file.write(memoryview(data).cast("B")[:_PIECE])

    def close(self) -> None:
        """Closes the fd; a green thread that waits for it gets EBADF."""
        if not self.closed:
            self._channel.close()
            self._file.close()
        super().close()


def make_green(file: Any, bufsize: int) -> Any:
    """Returns a file that reads or writes the same pipe greenly; the given one is used up.

    Parameters:
        file: raw, buffered or of text; None is returned as it is.
        bufsize: of its buffer; negative or 1 for the default.
    """
    if isinstance(file, io.TextIOWrapper):
        encoding, errors = file.encoding, file.errors
        line_buffering, write_through = file.line_buffering, file.write_through
        return io.TextIOWrapper(
            make_green(file.detach(), bufsize),
            encoding=encoding,
            errors=errors,
            line_buffering=line_buffering,
            write_through=write_through,
        )
    if isinstance(file, (io.BufferedReader, io.BufferedWriter)):
        size = bufsize if bufsize > 1 else io.DEFAULT_BUFFER_SIZE
        raw: Any = file.detach()
        return type(file)(PipeFile(raw), size)
    return file if file is None else PipeFile(file)
