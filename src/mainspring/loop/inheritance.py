"""Inheritance: who lends a priority to whom, and what level holds for each.

A party is a task that somebody prioritised, or that lends or is lent a priority; a loan is an edge
from who waits to who is waited for. Two rules: the loan of a lock lends whatever its lender has; a
loan of waiting lends only what is above DEFAULT. The invariant: a party's level is the most urgent
of its own base and of what the parties that reach it lend along the way. So when a loan ends, a
ring of parties that wait for one another doesn't go on holding itself up: the levels of all that
it may have held are taken back first, and then found anew from outside.

There are five levels, so a party counts its loans by level: a thousand waiters of one lock come
and go in constant time each. Nothing recurses; a chain of any length is walked in a loop. What
follows from a change (a queued step moves) is told once all levels are right.
"""

import cython
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, LEVELS


class Party:
    """One that has a priority, lends it and is lent others'; knows no tasks by itself."""

    def most_urgent(self):
        """Returns the level that its base and its loans make, whatever is in force."""
        level: cython.int
        for level in range(self.base):
            if self.lent[level] > 0:
                return level
        return self.base

    def set_base(self, level: cython.int):
        """Changes what the party says for itself."""
        before: cython.int = self.base
        if before == level:
            return 0
        self.base = level
        if level < self.level:
            self.lending.raise_all(self)
        elif before == self.level:
            self.lending.lower_all(self)
        return self.lending.tell()

    def leave(self):
        """Ends all that the party lends: it waits no longer."""
        loans: list = self.loans
        if loans is not None:
            self.loans = None
            for loan in loans:
                cython.cast(Loan, loan).end()
        return 0

    def changed(self):
        """Called when another level is in force."""
        return 0


class Loan:
    """One party waits for another; until `end()`."""

    def terms(self):
        """Returns the level to lend, -1 for none."""
        if self.is_of_a_lock or self.lender.level < DEFAULT_LEVEL:
            return self.lender.level
        return -1

    def end(self):
        """Takes back what was lent; does nothing the second time."""
        borrower: Party = self.borrower
        if borrower is None:
            return 0
        self.borrower = None
        if self.lender.loans is not None:
            # Not there any more where its lender leaves as a whole.
            self.lender.loans.remove(self)
        if self.given >= 0:
            given: cython.int = self.given
            borrower.lent[given] -= 1
            self.given = -1
            if given == borrower.level and borrower.base != given:
                borrower.lending.lower_all(borrower)
                return borrower.lending.tell()
        return 0


class Lending:
    """The loans among the tasks of one loop."""

    def __cinit__(self):
        self.changes = []

    def lend(self, lender: Party, borrower: Party, is_of_a_lock: cython.bint):
        """Has one party lend its priority to another, now and as it changes."""
        loan: Loan = Loan.__new__(Loan)
        loan.lender = lender
        loan.borrower = borrower
        loan.is_of_a_lock = is_of_a_lock
        if lender.loans is None:
            lender.loans = []
        lender.loans.append(loan)
        loan.given = loan.terms()
        if loan.given >= 0:
            borrower.lent[loan.given] += 1
            if loan.given < borrower.level:
                self.raise_all(borrower)
                self.tell()
        return loan

    def raise_all(self, party: Party):
        """Makes a party more urgent, and whom it lends to, and so on."""
        reached: list = [party]
        loan: Loan
        borrower: Party
        terms: cython.int
        for item in reached:
            party = item
            self.note(party)
            party.level = party.most_urgent()
            for edge in party.loans or ():
                loan = edge
                terms = loan.terms()
                if terms == loan.given:
                    continue
                borrower = loan.borrower
                if loan.given >= 0:
                    borrower.lent[loan.given] -= 1
                loan.given = terms
                borrower.lent[terms] += 1
                if terms < borrower.level:
                    reached.append(borrower)
        return 0

    def lower_all(self, party: Party):
        """Finds anew the level of a party that has lost what held it, and of all that it held up.

        Also where as much still holds it as before: that may be itself, around a ring.
        """
        if party.loans is None and party.lent[party.level] > 0:
            # It lends nothing, so whatever holds it is not itself.
            return 0
        suspects: list = [party]
        loan: Loan
        level: cython.int
        waiting: list
        party.is_suspect = True
        for item in suspects:
            party = item
            for edge in party.loans or ():
                loan = edge
                if loan.given < 0:
                    continue
                borrower: Party = loan.borrower
                borrower.lent[loan.given] -= 1
                if (
                    loan.given == borrower.level
                    and borrower.base != borrower.level
                    and not borrower.is_suspect
                ):
                    borrower.is_suspect = True
                    suspects.append(borrower)
                loan.given = -1
        for level in range(cython.cast(cython.int, LEVELS)):
            # Those that are held at this level from outside the suspects, and whom these hold.
            waiting = [item for item in suspects if cython.cast(Party, item).is_suspect]
            if not waiting:
                break
            waiting = [item for item in waiting if cython.cast(Party, item).most_urgent() == level]
            for item in waiting:
                party = item
                if not party.is_suspect:
                    continue
                party.is_suspect = False
                if party.level != level:
                    self.note(party)
                    party.level = level
                for edge in party.loans or ():
                    loan = edge
                    loan.given = loan.terms()
                    if loan.given >= 0:
                        loan.borrower.lent[loan.given] += 1
                        if loan.borrower.is_suspect and loan.borrower.most_urgent() == level:
                            waiting.append(loan.borrower)
        return 0

    def note(self, party: Party):
        """Remembers a party whose level is about to change."""
        if not party.is_changed:
            party.is_changed = True
            party.level_before = party.level
            self.changes.append(party)
        return 0

    def tell(self):
        """Tells each party whose level has changed; what that changes is told from here too."""
        if self.is_telling:
            return 0
        self.is_telling = True
        try:
            for item in self.changes:
                party: Party = item
                party.is_changed = False
                if party.level != party.level_before:
                    party.changed()
        finally:
            for item in self.changes:
                cython.cast(Party, item).is_changed = False
            self.changes.clear()
            self.is_telling = False
        return 0
