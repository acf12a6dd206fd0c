"""`TaskScheduler`: finds the task of a step or a wake-up, and gives it the task's priority.

The loop sees no tasks, only callbacks; those that asyncio queues for a task name it. A task that
nobody prioritised leaves no trace: its steps have the priority that its context names. The others
have a `TaskParty`, which is found by the task's identity and holds the task weakly. It owns the
task's queued step, so that the step moves when the priority changes, and it is asked after each
step what the task waits for now. As long as no priority was ever named, none of this is reached.
"""

import weakref
from asyncio import events, futures, tasks

import cython
from cython.cimports.cpython.long import PyLong_FromVoidPtr
from cython.cimports.mainspring.core.capi import PyThread_get_thread_ident
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, IDLE_LEVEL, LEVELS
from cython.cimports.mainspring.core.priority import level_in, level_of, name_any
from cython.cimports.mainspring.core.runnable import Runnable
from cython.cimports.mainspring.core.timers import TimerHandle
from cython.cimports.mainspring.core.watching import WatchScheduler
from cython.cimports.mainspring.loop.inheritance import Lending, Loan, Party
from cython.cimports.mainspring.loop.task_steps import (
    find_step,
    is_relay,
    sleeper_of,
    task_of,
)
from cython.cimports.mainspring.loop.waits import target_of_shield, targets_of_wait

from mainspring.core.priority import Priority, call_on_raise
from mainspring.loop.job_future import JobFuture

# Beyond this many, what is queued is looked through once for all of them.
FEW = cython.declare(cython.Py_ssize_t, 8)

TASK_TYPES = cython.declare(tuple, (tasks.Task, tasks._PyTask))
GATHERING_FUTURE = cython.declare(object, tasks._GatheringFuture)
# Most are this, and to ask for the type costs a tenth of `isinstance`.
PLAIN_FUTURE = cython.declare(object, futures.Future)
SHOWING_TYPES = cython.declare(tuple, (*TASK_TYPES, GATHERING_FUTURE, JobFuture))


class TaskParty(Party):
    """A task among those that have, lend or are lent a priority."""

    def __cinit__(self, scheduler: TaskScheduler, task, level: cython.int):
        self.scheduler = scheduler
        self.lending = scheduler.lending
        self.task = weakref.ref(task, self._died)
        self.key = _key_of(task)
        self.base = level
        self.level = level

    def say(self, context):
        """Takes its base from a context, unless `set_priority` has the say."""
        if not self.is_said:
            self.set_base(level_in(context))
        return 0

    def changed(self):
        task = self.task()
        if task is None:
            return 0
        if self.level < self.level_before and self.level < self.base:
            self.scheduler.statistics.counters.boosts += 1
        if not self.has_handle():
            # Queued while no priority was named, and so without its owner; or not queued.
            self.scheduler.find_handle(self, task, None)
        if self.has_handle():
            self.scheduler.queue.push(self.handle, self.level)
        elif self.level < DEFAULT_LEVEL and self.loans is None:
            self.scheduler.has_waited(task, self)
        return 0

    def has_handle(self):
        """Returns True when its task's next step is known to be queued."""
        handle: Runnable = self.handle
        return handle is not None and handle.owner is self and handle.prev != cython.NULL

    def lend_to(self, found: list):
        """Lends to what futures show: themselves, or those that they gather or shield.

        Parameters:
            found: the futures; the list becomes longer.
        """
        scheduler: TaskScheduler = self.scheduler
        shown: list = []
        queued: dict = None
        for item in found:
            if item.done():
                continue
            if isinstance(item, TASK_TYPES):
                shown.append(item)
            elif isinstance(item, GATHERING_FUTURE):
                found.extend(item._children)
            elif isinstance(item, JobFuture):
                self.lending.lend(self, item._job_party, False)
            else:
                shielded = target_of_shield(item)
                if shielded is not None:
                    found.append(shielded)
        if len(shown) > FEW:
            queued = scheduler.all_queued()
        for item in shown:
            self.lending.lend(self, scheduler.party_of(item, queued), False)
        return 0

    def _died(self, reference):
        self.leave()
        self.scheduler.parties.pop(self.key, None)


class LockParty(Party):
    """A lock between those that wait for it and its owner: it lends on what it is lent.

    So handing a lock over is one loan's end and one loan's beginning, however many wait.

    Parameters:
        scheduler: the loop of all its tasks.
    """

    def __cinit__(self, scheduler: TaskScheduler):
        self.scheduler = scheduler
        self.lending = scheduler.lending
        self.base = IDLE_LEVEL
        self.level = IDLE_LEVEL

    def give(self, owner):
        """Lends to a task what the waiters lend, and no longer to the one before; None for none."""
        self.leave()
        if owner is not None:
            self.lending.lend(self, self.scheduler.party_of(owner, None), True)

    def wait(self, waiter):
        """Has a task that is about to wait lend its priority; returns the `Loan`, to be ended."""
        party: TaskParty = self.scheduler.party_of(waiter, None)
        party.say(waiter.get_context())
        return self.lending.lend(party, self, True)

    def is_first(self, loan: Loan):
        """Returns True when none of the waiters is more urgent than the one of a loan."""
        return loan.lender.level <= self.level


class TaskScheduler(WatchScheduler):
    """A scheduler that knows which of its callbacks are a task's."""

    def __cinit__(self, *args, **kwargs):
        self.parties = {}
        self.lending = Lending.__new__(Lending)

    def level_for(self, handle: Runnable):
        level: cython.int = level_in(handle.context)
        task = task_of(handle.callback)
        if task is None:
            running: Runnable = cython.cast(Runnable, self.running) if self.running else None
            if running is not None and running.level < level and is_relay(handle.callback):
                # Not less urgent than the end that it tells of.
                return running.level
            return level
        found = self.parties.get(_key_of(task))
        if found is None:
            if level < DEFAULT_LEVEL:
                # Asked after the step what it waits for.
                handle.owner = task
            return level
        party: TaskParty = found
        if party.loans is not None:
            party.leave()
        party.say(handle.context)
        handle.owner = party
        party.handle = handle
        return party.level

    def due_level_for(self, timer: TimerHandle):
        task = sleeper_of(timer.callback, timer.args)
        found = None if task is None else self.parties.get(_key_of(task))
        return timer.due_level if found is None else cython.cast(TaskParty, found).level

    def ran_owned(self, runnable: Runnable):
        owner = runnable.owner
        runnable.owner = None
        if not isinstance(owner, TaskParty):
            if level_in(runnable.context) < DEFAULT_LEVEL:
                self.has_waited(owner, None)
            return 0
        party: TaskParty = owner
        if party.handle is runnable:
            party.handle = None
        party.say(runnable.context)
        if party.level < DEFAULT_LEVEL:
            task = party.task()
            if task is not None:
                self.has_waited(task, party)
        return 0

    def has_started(self, task):
        """Called after a task was made, whose first step may have run within its maker."""
        if isinstance(task, TASK_TYPES) and level_in(task.get_context()) < DEFAULT_LEVEL:
            self.has_waited(task, None)
        return 0

    def has_waited(self, task, party: TaskParty):
        """Has a task above DEFAULT lend its priority to what it waits for, if that shows."""
        found: list
        future = task._fut_waiter
        if future is None:
            return 0
        if type(future) is not PLAIN_FUTURE and isinstance(future, SHOWING_TYPES):
            found = [future]
        else:
            found = targets_of_wait(task, future)
            if found is None:
                return 0
        if future.done():
            # The wake-up is queued: it waits no longer.
            return 0
        if party is None:
            party = self.party_of(task, None)
        if party.loans is None:
            party.lend_to(found)
        return 0

    def party_of(self, task, queued: dict):
        """Returns the party of a task, made if need be.

        Parameters:
            queued: what `all_queued` returned, or None to look for the task's handle alone.
        """
        found = self.parties.get(_key_of(task))
        if found is not None:
            return found
        party: TaskParty = TaskParty.__new__(TaskParty, self, task, level_in(task.get_context()))
        self.parties[party.key] = party
        self.find_handle(party, task, queued)
        return party

    def find_handle(self, party: TaskParty, task, queued: dict):
        """Takes the handle of a task's next step, which was queued before it was a party."""
        handle: Runnable = None
        if self.running != cython.NULL:
            handle = cython.cast(Runnable, self.running)
            if task_of(handle.callback) is task:
                handle.owner = party
                return 0
        future = task._fut_waiter
        if task.done() or (future is not None and not future.done()):
            return 0
        if events._get_running_loop() is self and tasks.current_task(self) is task:
            # Its first step, within its maker.
            return 0
        if queued is not None:
            handle = queued.get(_key_of(task))
        else:
            handle = self.find_queued(task)
        if handle is not None:
            handle.owner = party
            party.handle = handle
        return 0

    def find_queued(self, task):
        """Returns the queued handle of a task's next step, or None."""
        level: cython.int = level_in(task.get_context())
        found: Runnable = find_step(cython.cast(Runnable, self.queue.anchors[level]), task)
        for level in range(cython.cast(cython.int, LEVELS)):
            if found is None:
                found = find_step(cython.cast(Runnable, self.queue.anchors[level]), task)
        return find_step(self.inbox.anchor, task) if found is None else found

    def level_while_waiting(self, task, context):
        """Returns the level in force for a task that waits, whose context is given; any thread."""
        found = self.parties.get(_key_of(task))
        return level_in(context) if found is None else cython.cast(TaskParty, found).level

    def all_queued(self):
        """Returns the queued handles of all tasks, by the task's identity."""
        level: cython.int
        queued: dict = {}
        for level in range(cython.cast(cython.int, LEVELS)):
            self.index(cython.cast(Runnable, self.queue.anchors[level]), queued)
        self.index(self.inbox.anchor, queued)
        return queued

    def index(self, anchor: Runnable, queued: dict):
        handle: Runnable = anchor.next
        while handle is not anchor:
            task = task_of(handle.callback)
            if task is not None:
                queued[_key_of(task)] = handle
            handle = handle.next
        return 0

    def _set_task_priority(self, task, priority):
        level: cython.int = level_of(priority)
        if self.thread != 0 and self.thread != PyThread_get_thread_ident():
            raise RuntimeError(
                f"{task!r} belongs to a loop that runs in another thread; to change its priority "
                f"use loop.call_soon_threadsafe(mainspring.set_priority, task, priority)"
            )
        if task.done():
            return
        name_any()
        party: TaskParty = self.party_of(task, None)
        party.is_said = True
        party.set_base(level)

    def _get_task_priority(self, task):
        found = self.parties.get(_key_of(task))
        if found is not None and cython.cast(TaskParty, found).is_said:
            return Priority(cython.cast(TaskParty, found).base - DEFAULT_LEVEL)
        return Priority(level_in(task.get_context()) - DEFAULT_LEVEL)

    def _get_effective_priority(self, task):
        found = self.parties.get(_key_of(task))
        if found is None or task.done():
            return self._get_task_priority(task)
        party: TaskParty = found
        if self.thread == 0 or self.thread == PyThread_get_thread_ident():
            party.say(task.get_context())
        return Priority(party.level - DEFAULT_LEVEL)

    def _create_job_future(self, tell):
        """Returns a `JobFuture`, which calls `tell(priority)`."""
        return JobFuture(self, self.lending, tell)

    def _shut(self):
        WatchScheduler._shut(self)
        # A copy: a task that nobody else keeps ends here, and takes its party out.
        for party in list(self.parties.values()):
            # What is in no queue any more would keep its task, and that this.
            cython.cast(TaskParty, party).handle = None
        self.parties.clear()


@cython.cfunc
@cython.inline
def _key_of(task) -> object:
    """Returns `id(task)`, which asked for by that name is an event for audit hooks."""
    return PyLong_FromVoidPtr(cython.cast(cython.p_void, task))


def _a_block_was_raised():
    """Sees to it that the task that runs now is asked after this step what it waits for."""
    loop = events._get_running_loop()
    if not isinstance(loop, TaskScheduler):
        return
    scheduler: TaskScheduler = loop
    if scheduler.running != cython.NULL:
        handle: Runnable = cython.cast(Runnable, scheduler.running)
        if handle.owner is None:
            handle.owner = task_of(handle.callback)


call_on_raise(_a_block_was_raised)
