"""`new_chunk`, `drop_chunk`: the `bytes` that data comes in, whose memory serves again.

A message of 513 bytes or more is too large for the interpreter's own allocator, and one of a KiB
for the malloc of the GNU C library to keep at hand (measured: 530 of the 2,700 instructions of an
echo of 1 KiB went into malloc and free). So an object that nobody else refers to any more, whoever
made it, is kept and filled anew for a message of the same size or a little less. At most KEPT
bytes are kept, in a process.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING
from cython.cimports.cpython.ref import Py_DECREF, PyObject

# Chains by size in steps of STEP; the link lies where the content was.
_chains = cython.declare(cython.pointer(PyObject)[BUCKETS])
_kept = cython.declare(cython.Py_ssize_t, 0)


def new_chunk(data: cython.p_const_char, size: cython.Py_ssize_t):
    """Returns a reference to `bytes` with a copy of the data."""
    global _kept
    chunk: cython.pointer(PyObject)
    bucket: cython.Py_ssize_t = size // STEP
    if LEAST <= size <= MOST:
        chunk = _chains[bucket]
        if chunk == cython.NULL or Py_SIZE(chunk) < size:
            # All in the next one are large enough.
            bucket += 1
            chunk = _chains[bucket]
        if chunk != cython.NULL:
            _chains[bucket] = _link(chunk)[0]
            _kept -= Py_SIZE(chunk)
            refill_bytes(chunk, data, size)
            return chunk
    return bytes_from(data, size)


def drop_chunk(chunk: cython.pointer(PyObject)):
    """Drops a reference; one that was the last is kept with its object, for `new_chunk`."""
    global _kept
    size: cython.Py_ssize_t
    if Py_REFCNT(chunk) == 1 and PyBytes_CheckExact(chunk):
        size = Py_SIZE(chunk)
        if LEAST <= size <= MOST and _kept + size <= KEPT:
            _link(chunk)[0] = _chains[size // STEP]
            _chains[size // STEP] = chunk
            _kept += size
            return
    Py_DECREF(cython.cast(object, chunk))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _link(chunk: cython.pointer(PyObject)) -> cython.pointer(cython.pointer(PyObject)):
    return cython.cast(
        cython.pointer(cython.pointer(PyObject)),
        cython.cast(cython.p_void, PyBytes_AS_STRING(cython.cast(object, chunk))),
    )
