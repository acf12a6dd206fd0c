"""The compiled heart: run queue, timers, poller, inbox and the iteration that joins them.

Nothing in here knows what a protocol or a coroutine is.
"""

from mainspring.core.interpreter import refuse_subinterpreters

refuse_subinterpreters()
