"""What travels with a call: the context, the trace, the deadline."""

from mainspring.messaging import context, current_call, get_context, get_trace, trace

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Witness:
    """Tells what it sees."""

    def __init__(self):
        self.client = None

    async def context(self):
        return dict(get_context())

    def context_in_a_thread(self):
        return dict(get_context())

    async def trace(self):
        named = get_trace()
        return named and list(named)

    async def remaining(self):
        return current_call().remaining()

    async def through_another(self, method):
        return await self.client.call(method)


def test_the_context_of_the_caller_is_the_handlers(serving):
    async def main(client, _):
        with context({"user": "bob"}, request="r1"):
            with context(request="r2"):
                assert await client.call("context") == {"user": "bob", "request": "r2"}
            assert (await client.call("context_in_a_thread"))["request"] == "r1"
        assert await client.call("context") == {}
        assert await client.call("context", ctxt={"user": "eve"}) == {"user": "eve"}

    serving(main, Witness())


def test_context_and_trace_go_on_through_the_calls_of_a_handler(serving):
    witness = Witness()

    async def main(client, _):
        witness.client = client
        with context(user="bob"), trace(PARENT, "vendor=1"):
            assert await client.call("through_another", method="context") == {"user": "bob"}
            assert await client.call("through_another", method="trace") == [PARENT, "vendor=1"]
        assert await client.call("trace") is None

    serving(main, witness)


def test_a_handler_knows_how_long_its_caller_waits(serving):
    async def main(client, _):
        assert 0 < await client.prepare(timeout=100).call("remaining") <= 100
        assert await client.prepare(timeout=None).call("remaining") is None

    serving(main, Witness())
    assert current_call() is None
