"""What travels with a call besides its arguments: the caller's context, its trace, its deadline.

All of it lies in context variables, so it reaches what a handler calls in turn: a call that is made
while another is served carries on the other's context and trace, and never waits beyond the other's
deadline.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mainspring.messaging.messages import Trace

if TYPE_CHECKING:
    from mainspring.messaging.call import Call

__all__ = ["context", "current_call", "get_context", "get_trace", "trace"]

_NOTHING: Mapping[str, Any] = {}

context_variable: ContextVar[Mapping[str, Any]] = ContextVar(
    "mainspring.messaging.context", default=_NOTHING
)
trace_variable: ContextVar[Trace | None] = ContextVar("mainspring.messaging.trace", default=None)
call_variable: ContextVar["Call | None"] = ContextVar("mainspring.messaging.call", default=None)


@contextmanager
def context(values: Mapping[str, Any] = _NOTHING, /, **more: Any) -> Iterator[Mapping[str, Any]]:
    """Adds to the context that calls carry, for what is called inside the block.

    Parameters:
        values: plain data by name.
        more: the same, as keywords.

    Yields:
        The whole context.
    """
    whole = {**context_variable.get(), **values, **more}
    token = context_variable.set(whole)
    try:
        yield whole
    finally:
        context_variable.reset(token)


def get_context() -> Mapping[str, Any]:
    """Returns the context: in a handler, what the caller's was; empty where there is none."""
    return context_variable.get()


def current_call() -> "Call | None":
    """Returns the call that is being served here, or None."""
    return call_variable.get()


@contextmanager
def trace(traceparent: str, tracestate: str | None = None) -> Iterator[Trace]:
    """Names the trace that calls inside the block belong to.

    Where OpenTelemetry is in use there is no need to: its current span is taken.

    Parameters:
        traceparent: the W3C header's value.
        tracestate: that of the other one, or None.

    Yields:
        The trace context.
    """
    named = Trace(traceparent, tracestate)
    token = trace_variable.set(named)
    try:
        yield named
    finally:
        trace_variable.reset(token)


def get_trace() -> Trace | None:
    """Returns the trace context: OpenTelemetry's current span, else what was named or came."""
    # Not imported here: whoever uses it has imported it.
    propagate = sys.modules.get("opentelemetry.propagate")
    if propagate is not None:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        if "traceparent" in carrier:
            return Trace(carrier["traceparent"], carrier.get("tracestate"))
    return trace_variable.get()


def enter_trace(named: Trace) -> None:
    """Makes a trace that has come with a message the current context's, OpenTelemetry's too."""
    trace_variable.set(named)
    propagate = sys.modules.get("opentelemetry.propagate")
    attach = getattr(sys.modules.get("opentelemetry.context"), "attach", None)
    if propagate is not None and attach is not None:
        carrier = {"traceparent": named.traceparent}
        if named.tracestate:
            carrier["tracestate"] = named.tracestate
        attach(propagate.extract(carrier))
