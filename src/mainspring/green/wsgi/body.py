"""`Body`: `wsgi.input`, the body of a request as a file that is read as it comes.

What isn't read yet stays with the client. A client that asks before it sends (100-continue) is told
to when something is first read.
"""

from collections.abc import Callable, Iterator

__all__ = ["Body"]


class Body:
    """A readable file.

    Parameters:
        read_piece: returns the next piece, and waits for it; nothing at the end.
    """

    def __init__(self, read_piece: Callable[[], bytes]) -> None:
        self._read_piece = read_piece
        self._left = b""
        self._is_over = False

    def read(self, size: int | None = -1) -> bytes:
        """Returns `size` bytes, or what there is to the end; waits for them.

        Parameters:
            size: how many; None or less than 0 for all.

        Raises:
            OSError: the client has gone, or what it sends is no body.
        """
        if size is None or size < 0:
            pieces = [self._take_left()]
            while piece := self._next():
                pieces.append(piece)
            return b"".join(pieces)
        if len(self._left) >= size:
            data, self._left = self._left[:size], self._left[size:]
            return data
        pieces = [self._take_left()]
        missing = size - len(pieces[0])
        while missing > 0 and (piece := self._next()):
            if len(piece) > missing:
                piece, self._left = piece[:missing], piece[missing:]
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def read1(self, size: int | None = -1) -> bytes:
        """Returns what has come, `size` bytes at most; waits only if nothing has."""
        if size == 0:
            return b""
        data = self._take_left() or self._next()
        if size is not None and 0 < size < len(data):
            data, self._left = data[:size], data[size:]
        return data

    def readline(self, size: int | None = -1) -> bytes:
        """Returns a line with its end, `size` bytes at most; waits for it."""
        limit = -1 if size is None else size
        pieces: list[bytes] = []
        length = 0
        while limit < 0 or length < limit:
            piece = self._take_left() or self._next()
            if not piece:
                break
            end = piece.find(b"\n") + 1 or len(piece)
            if limit >= 0:
                end = min(end, limit - length)
            line, self._left = piece[:end], piece[end:]
            pieces.append(line)
            length += end
            if line.endswith(b"\n"):
                break
        return b"".join(pieces)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Returns all lines, or so many that they have `hint` bytes."""
        lines: list[bytes] = []
        length = 0
        for line in self:
            lines.append(line)
            length += len(line)
            if hint is not None and 0 < hint <= length:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _take_left(self) -> bytes:
        data, self._left = self._left, b""
        return data

    def _next(self) -> bytes:
        if self._is_over:
            return b""
        piece = self._read_piece()
        self._is_over = not piece
        return piece
