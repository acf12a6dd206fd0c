"""`Receiver`: a protocol that takes what came in straight from the loop's buffer.

A `StreamTransport` calls it where it would make a `bytes` for any other protocol. The data is there
for the time of the call and no longer. It is a runnable, so that it can gather what is written to
it until the end of a batch, as the transport below it does.
"""

from cython.cimports.mainspring.core.runnable import Runnable


class Receiver(Runnable):
    """A compiled protocol."""

    def receive(self, data, size):
        raise NotImplementedError(f"{type(self).__name__} has no receive()")
