"""The stdlib's `urllib.request` for green threads: http and https wait greenly there.

`ftp:` is the stdlib's own, and blocks.
"""

import urllib.request as _stdlib
from urllib.request import *

from mainspring.green import http
from mainspring.green.http import client as _client
from mainspring.green.stdlib import adopt, rebind

__implements__ = (
    "HTTPHandler",
    "HTTPSHandler",
    "build_opener",
    "install_opener",
    "urlcleanup",
    "urlopen",
    "urlretrieve",
)
__all__ = _stdlib.__all__

assert http.client is _client
_opener = None


class HTTPHandler(_stdlib.HTTPHandler):
    """`urllib.request.HTTPHandler`, whose connections are green."""

    http_open = rebind(_stdlib.HTTPHandler.http_open, globals())


class HTTPSHandler(_stdlib.HTTPSHandler):
    """`urllib.request.HTTPSHandler`, whose connections are green."""

    __init__ = rebind(_stdlib.HTTPSHandler.__init__, globals())
    https_open = rebind(_stdlib.HTTPSHandler.https_open, globals())


build_opener = rebind(_stdlib.build_opener, globals())
install_opener = rebind(_stdlib.install_opener, globals())
urlcleanup = rebind(_stdlib.urlcleanup, globals())
urlopen = rebind(_stdlib.urlopen, globals())
urlretrieve = rebind(_stdlib.urlretrieve, globals())

adopt(globals(), _stdlib)
