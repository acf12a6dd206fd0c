"""Primitives for tasks that wait for one another, with priorities: `Lock` and `Event`."""

from mainspring.sync.event import Event
from mainspring.sync.lock import Lock

__all__ = ["Event", "Lock"]
