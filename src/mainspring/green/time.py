"""The stdlib's `time` for green threads: `sleep` waits greenly there."""

import time as _stdlib
from time import *

from mainspring.green import waiting as _waiting
from mainspring.green.call import current as _current
from mainspring.green.stdlib import adopt

__implements__ = ("sleep",)

_sleep = _stdlib.sleep


def sleep(seconds: float, /) -> None:
    """`time.sleep`; a green thread that calls it sleeps alone, and with 0 lets others run."""
    if _current() is None or not isinstance(seconds, (int, float)) or not seconds >= 0:
        # Also for the stdlib to say what is wrong.
        _sleep(seconds)
    else:
        _waiting.sleep(seconds)


adopt(globals(), _stdlib)
