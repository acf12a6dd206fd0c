"""Who waits for whom, and which priority holds for each, in plain Python.

The reference for inheritance: a task's effective priority is its own, or the most urgent that
reaches it along waits and locks. It is found anew for each question, by passing priorities on until
nothing changes, starting from what each task has of its own; so nothing can hold itself up.
"""

from dataclasses import dataclass, field

from .run_queue import Priority


@dataclass
class Waiter:
    """A task: what it has, and what it waits for."""

    base: Priority
    targets: list[int] = field(default_factory=list)
    gathers: bool = False
    is_cancelled: bool = False
    lock: int | None = None
    is_done: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it waits for nothing but what it is told to do next."""
        return not self.is_done and not self.targets and self.lock is None


class Inheritance:
    """Tasks and locks, by number."""

    def __init__(self, locks: int) -> None:
        self.tasks: list[Waiter] = []
        self.owners: list[int | None] = [None] * locks
        self.waiting: list[list[int]] = [[] for _ in range(locks)]
        # Which task took which lock, in order.
        self.taken: list[tuple[int, int]] = []

    def effective(self) -> list[Priority]:
        """Returns the priority that holds for each task."""
        level = [task.base for task in self.tasks]
        edges = [
            (number, target, False)
            for number, task in enumerate(self.tasks)
            for target in task.targets
            if not self.tasks[target].is_done
        ]
        for lock, waiting in enumerate(self.waiting):
            owner = self.owners[lock]
            if owner is not None:
                edges += [(number, owner, True) for number in waiting]
        for _ in self.tasks:
            for lender, borrower, is_of_a_lock in edges:
                if is_of_a_lock or level[lender] < Priority.DEFAULT:
                    level[borrower] = min(level[borrower], level[lender])
        return level

    def wait(self, number: int, targets: list[int], gathers: bool) -> None:
        """Has a task wait for others, for all of them if it gathers."""
        task = self.tasks[number]
        task.targets, task.gathers, task.is_cancelled = targets, gathers, False
        self.end_waits()

    def acquire(self, number: int, lock: int) -> None:
        """Has a task take a lock, or wait for it."""
        if self.owners[lock] is None:
            self.give(lock, number)
        else:
            self.tasks[number].lock = lock
            self.waiting[lock].append(number)

    def release(self, lock: int) -> None:
        """Hands a lock to the most urgent that waits for it, and among equals to the first."""
        self.owners[lock] = None
        level = self.effective()
        if self.waiting[lock]:
            self.give(lock, min(self.waiting[lock], key=lambda number: level[number]))

    def give(self, lock: int, number: int) -> None:
        """Makes a task the owner of a lock."""
        self.owners[lock] = number
        self.taken.append((lock, number))
        if number in self.waiting[lock]:
            self.waiting[lock].remove(number)
            self.tasks[number].lock = None

    def finish(self, number: int) -> None:
        """Ends a task: it releases its locks, and those that wait for it go on."""
        task = self.tasks[number]
        task.is_done = True
        task.targets = []
        if task.lock is not None:
            self.waiting[task.lock].remove(number)
            task.lock = None
        for lock, owner in enumerate(self.owners):
            if owner == number:
                self.release(lock)
        self.end_waits()

    def end_waits(self) -> None:
        """Frees the tasks all of whose targets are done; ends those that were cancelled then."""
        for number, task in enumerate(self.tasks):
            if task.targets and all(self.tasks[target].is_done for target in task.targets):
                task.targets = []
                if task.is_cancelled:
                    self.finish(number)

    def cancel(self, number: int) -> None:
        """Cancels a task as asyncio does: what it waits for is cancelled in its place."""
        task = self.tasks[number]
        if task.is_done:
            return
        if not task.targets:
            self.finish(number)
            return
        # A gather remembers that it was cancelled; who awaits a task learns only of its end.
        task.is_cancelled = task.gathers
        for target in list(task.targets):
            self.cancel(target)

    def leads_to_a_ring(self, number: int, above: tuple[int, ...] = ()) -> bool:
        """Says whether a cancellation of this task would go in circles."""
        if number in above:
            return True
        path = (*above, number)
        return any(self.leads_to_a_ring(target, path) for target in self.tasks[number].targets)
