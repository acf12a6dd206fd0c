"""The stdlib's `selectors` for green threads: each selector waits greenly there."""

import selectors as _stdlib
from selectors import *

from mainspring.green import select as _green
from mainspring.green.stdlib import adopt

__implements__ = ("DefaultSelector", "EpollSelector", "PollSelector", "SelectSelector")


class SelectSelector(_stdlib.SelectSelector):
    """`selectors.SelectSelector`; a green thread that waits with it waits alone."""

    _select = staticmethod(_green.select)


class PollSelector(_stdlib.PollSelector):
    """`selectors.PollSelector`; a green thread that waits with it waits alone."""

    _selector_cls = _green.poll


class EpollSelector(_stdlib.EpollSelector):
    """`selectors.EpollSelector`; a green thread that waits with it waits alone."""

    _selector_cls = _green.epoll


DefaultSelector = EpollSelector  # type: ignore[misc, assignment]

adopt(globals(), _stdlib)
