"""`Owned`: what has an owner, who is lent the most urgent priority among those that wait for it.

Waiters and owner may be tasks of several loops, in several threads, but who lends whom within a
loop is that loop's own matter, and changes in its thread only. So a lock has one `OwnedParty` in
each loop that has to do with it: the waiters of a loop lend to its party, and that lends to the
owner if the owner is a task there. If it is one of another loop, the party of that loop takes for
its base what those of the others come to, whenever that changes. An OS thread as the owner is lent
nothing: the system knows no such thing.
"""

import cython
from cython.cimports.cpython.weakref import PyWeakref_NewRef
from cython.cimports.mainspring.core.level import IDLE_LEVEL
from cython.cimports.mainspring.core.priority import is_any_named
from cython.cimports.mainspring.loop.task_scheduler import TaskScheduler
from cython.cimports.mainspring.sync.waiters import WAITING, Waiter, Waiters, is_here

from mainspring.core.priority import Priority

# A loan that comes late is no loan.
URGENT = cython.declare(object, Priority.URGENT)


class Owned:
    """Something that one has and others wait for."""

    def __cinit__(self, *args, **kwargs):
        self.waiters = Waiters.__new__(Waiters)

    def lend(self, wait: Waiter):
        """Has one that has begun to wait lend the owner its priority, as far as it has one."""
        party: OwnedParty
        if wait.task is None or not isinstance(wait.loop, TaskScheduler):
            return self.tell_owner()
        if not is_here(wait.loop):
            try:
                wait.loop.call_soon_threadsafe(self._lend_later, wait)
            except RuntimeError:
                # It is closed.
                pass
            return 0
        if wait.state != WAITING or wait.loan is not None:
            return 0
        party = self.party_for(wait.loop)
        party.refresh()
        wait.loan = party.wait(wait.task)
        return self.tell_owner()

    def _lend_later(self, wait):
        self.lend(wait)

    def tell(self):
        """Tells all parties that there is another owner."""
        if self.parties is not None:
            for party in list(self.parties):
                cython.cast(OwnedParty, party).touch()
            self.tell_owner()
        return 0

    def tell_owner(self):
        """Tells the owner's loop that those that wait elsewhere have changed."""
        if not is_any_named or self.owner is None or self.waiters.count == 0:
            return 0
        owner = self.owner()
        if owner is None:
            return 0
        loop = owner.get_loop()
        if isinstance(loop, TaskScheduler):
            self.party_for(loop).touch()
        return 0

    def left(self):
        """Called when one waits no longer."""
        parties: list = self.parties
        if self.waiters.count > 0:
            return self.tell_owner()
        if parties is not None:
            self.parties = None
            for party in parties:
                cython.cast(OwnedParty, party).touch()
        return 0

    def party_for(self, scheduler: TaskScheduler):
        """Returns the party of a loop, made if need be."""
        party: OwnedParty
        if self.parties is None:
            self.parties = []
        for one in self.parties:
            party = one
            if party.scheduler is scheduler:
                return party
        party = OwnedParty.__new__(OwnedParty, scheduler)
        # Weakly: the waiters' loans, which their loop knows, reach it.
        party.owned = PyWeakref_NewRef(self, None)
        self.parties.append(party)
        return party

    def most_urgent_elsewhere(self, loop):
        """Returns the most urgent level among those that wait outside of a loop."""
        level: cython.int = IDLE_LEVEL
        wait: Waiter = self.waiters.first
        while wait is not None:
            if wait.loop is not loop:
                level = min(level, wait.current_level())
            wait = wait.next
        return level


class OwnedParty(LockParty):
    """What the tasks of one loop lend, or are lent, for one lock."""

    def refresh(self):
        """Lends to who is the owner now; must be called in the thread of its loop."""
        owned: Owned = self.owned()
        owner = None
        if owned is not None and owned.owner is not None and owned.waiters.count > 0:
            owner = owned.owner()
            if owner is not None and owner.get_loop() is not self.scheduler:
                owner = None
        if owner is None:
            self.given_to = None
            self.leave()
            return self.set_base(IDLE_LEVEL)
        if owned.owner is not self.given_to:
            self.give(owner)
            self.given_to = owned.owner
        if is_any_named:
            self.set_base(owned.most_urgent_elsewhere(self.scheduler))
        return 0

    def touch(self):
        """Refreshes it, now or as soon as its loop gets to it."""
        if is_here(self.scheduler):
            return self.refresh()
        try:
            self.scheduler.call_soon_threadsafe(self._refresh_later, priority=URGENT)
        except RuntimeError:
            # It is closed.
            pass
        return 0

    def _refresh_later(self):
        self.refresh()

    def changed(self):
        owned: Owned = self.owned()
        if owned is not None and owned.owner is not None and self.given_to is None:
            owned.tell_owner()
        return 0
