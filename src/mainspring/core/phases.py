"""`Phases`: what somebody who isn't a callback does in each iteration, around the poll.

For another library's loop on top of this one: it has work to do before every poll, and has to know
when the poll is over. A scheduler has one of them or none, and asks one pointer an iteration.
"""


class Phases:
    """The interface; by itself it does nothing."""

    def before_poll(self):
        """Called before the poll, and before it is known for how long that may sleep."""
        return 0

    def after_poll(self):
        """Called when the ready I/O and the due timers are queued, before anything of it runs."""
        return 0
