import contextvars

from mainspring.messaging.call import Call

__all__ = ["handler_context"]

def handler_context(base: contextvars.Context, call: Call) -> contextvars.Context: ...
