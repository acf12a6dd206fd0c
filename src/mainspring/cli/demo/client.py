"""The echo client: how long the sender needs to answer while it sends and is busy.

One small message at a time, with a pause before the next. The pauses vary, from a seed
that is fixed, so that they can't fall into step with the 5 ms chunks. Invariant: a message
that is still unanswered at the end counts with the time it has waited, so a sender that
never answers isn't left out.
"""

import random
import socket
import time

MESSAGE = b"x" * 64
PAUSE_SECONDS = (0.001, 0.005)
ANSWER_SECONDS = 30.0


def measure_echo(sock: socket.socket) -> list[float]:
    """Send messages and wait for their echoes until the other side closes.

    Args:
        sock: a connected socket.

    Returns:
        the latencies in ms (list of float); the first is left out when there are others,
        for it has the start of the sender in it.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(ANSWER_SECONDS)
    pauses = random.Random(0)
    latencies: list[float] = []
    answered = True
    while answered:
        begin = time.perf_counter()
        answered = _round_trip(sock)
        latencies.append((time.perf_counter() - begin) * 1000)
        if answered:
            time.sleep(pauses.uniform(*PAUSE_SECONDS))
    return latencies[1:] or latencies


def _round_trip(sock: socket.socket) -> bool:
    """Send one message; return whether all of its echo came."""
    left = len(MESSAGE)
    try:
        sock.sendall(MESSAGE)
        while left:
            echoed = len(sock.recv(left))
            if not echoed:
                return False
            left -= echoed
    except (ConnectionError, TimeoutError):
        return False
    return True


def percentile(values: list[float], share: float) -> float:
    """Return the smallest of `values` that at least `share` of them don't exceed.

    Args:
        values: at least one value.
        share: between 0 and 1.

    Raises:
        ValueError: if there are no values.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)
    return ordered[min(len(ordered), max(1, rank)) - 1]
