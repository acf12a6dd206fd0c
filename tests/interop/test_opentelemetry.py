"""Spans of the real OpenTelemetry across a call: the client's is the parent of the server's."""

import asyncio
from typing import Any

import pytest

from mainspring.messaging import Client, Server, Target, get_trace, get_transport

trace = pytest.importorskip("opentelemetry.trace", reason="needs opentelemetry-sdk")
sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="needs opentelemetry-sdk")
pytest.importorskip("opentelemetry.propagate")


class Traced:
    """Opens a span for each call, in the context that came with it."""

    def __init__(self, tracer: Any) -> None:
        self.tracer = tracer
        self.spans: list[Any] = []

    async def here(self) -> None:
        with self.tracer.start_as_current_span("here") as span:
            self.spans.append(span)

    def in_a_thread(self) -> None:
        with self.tracer.start_as_current_span("thread") as span:
            self.spans.append(span)

    async def named(self) -> str | None:
        found = get_trace()
        return found and found.traceparent


def test_the_span_of_a_caller_is_the_parent_of_the_handlers(loop_factory: Any) -> None:
    tracer = sdk.TracerProvider().get_tracer("test")

    async def main() -> None:
        endpoint = Traced(tracer)
        transport = get_transport("memory://opentelemetry")
        client = Client(transport, Target(topic="traced"))
        async with Server(transport, Target(topic="traced", server="one"), [endpoint]):
            with tracer.start_as_current_span("caller") as caller:
                await client.call("here")
                await client.call("in_a_thread")
                parent = await client.call("named")
            assert parent.split("-")[1] == trace.format_trace_id(caller.context.trace_id)
            await client.call("here")
        await transport.close()
        first, second, alone = endpoint.spans
        for span in (first, second):
            assert span.parent.span_id == caller.context.span_id
            assert span.context.trace_id == caller.context.trace_id
            assert span.parent.is_remote
        # Nothing of it stays with the server.
        assert alone.parent is None

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
