"""The stream of a connection, byte for byte: what is read of it, and what is written."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client as NatsPy

import mainspring
from mainspring.messaging import Client, Server, Target, get_transport
from mainspring.messaging.nats.login import LoginTransport, client_over
from mainspring.messaging.nats.reader import MessageReader, StreamError, read_headers
from mainspring.messaging.nats.stream import MessageStream
from mainspring.messaging.nats.writer import MessageWriter
from tests.messaging.nats.conftest import AUTHORITY
from tests.messaging.nats.test_over_a_server import Shop

LOOPS = {"ours": mainspring.new_event_loop, "asyncio's": asyncio.SelectorEventLoop}


class Reading:
    """A reader with two subscriptions, and what it has found."""

    def __init__(self):
        self.found = []
        self.errors = []
        self.reader = MessageReader(self.found.append, self.errors.append)
        self.reader.subscribe(1, self.take)
        self.reader.subscribe(2, self.take, True)

    def take(self, msg):
        self.found.append((msg.token, msg.reply, msg.headers, msg.data))


def read(data, cuts=()):
    """Returns what is found in data that comes in pieces."""
    reading = Reading()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        reading.reader.feed(data[start:end])
    return reading.found


tokens = st.text("abcXYZ-_%$é", min_size=1, max_size=20)
subjects = st.lists(tokens, min_size=1, max_size=4).map(".".join)
values = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
headers = st.dictionaries(st.text("abc-", min_size=1, max_size=10), values, min_size=1, max_size=3)
bodies = st.binary(max_size=300) | st.sampled_from([b"x" * 5_000, b"\r\nMSG a 1 0\r\n\r\n" * 9])


def block(found):
    lines = "".join(f"{name}: {value}\r\n" for name, value in found.items())
    return f"NATS/1.0\r\n{lines}\r\n".encode()


@st.composite
def messages(draw):
    """A message as a server sends it: its bytes, and what is to be found in them."""
    subject, reply, number = draw(subjects), draw(st.just("") | subjects), draw(st.integers(1, 3))
    body, found = draw(bodies), draw(st.none() | headers)
    head = b"" if found is None else block(found)
    sizes = f"{len(body)}" if found is None else f"{len(head)} {len(head) + len(body)}"
    verb, place = "MSG" if found is None else "HMSG", f"{reply} " if reply else ""
    line = f"{verb} {subject} {number} {place}{sizes}\r\n".encode()
    token = subject.rpartition(".")[2] if number == 2 else ""
    what = (token, reply, found, body)
    return line + head + body + b"\r\n", [] if number == 3 else [what]


lines = st.sampled_from([b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"-ERR 'no'\r\n", b"INFO {}\r\n"])
parts = messages() | lines.map(lambda line: (line, [line]))


@given(st.lists(parts, max_size=6), st.lists(st.integers(0, 3_000), max_size=8))
def test_whatever_the_pieces_the_same_is_found(found, cuts):
    data = b"".join(data for data, _ in found)
    expected = [what for _, each in found for what in each]
    assert read(data, cuts) == expected
    assert read(data) == expected


@given(messages(), st.data())
def test_with_one_byte_changed_it_is_an_error_at_worst(message, data):
    text = bytearray(message[0])
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    try:
        read(bytes(text))
    except StreamError:
        pass


@given(st.binary(max_size=300))
def test_any_bytes_are_an_error_at_worst(data):
    try:
        read(data)
        read(b"MSG " + data)
    except StreamError:
        pass


@pytest.mark.parametrize(
    "text",
    [
        b"MSG a 1\r\n",
        b"MSG a 1 b c 2\r\nab\r\n",
        b"MSG a 1 b c d 2\r\nab\r\n",
        b"MSG a one 2\r\nab\r\n",
        b"MSG a 1 -2\r\nab\r\n",
        b"MSG a 1 99999999999\r\n",
        b"MSG a 1 2\r\nabc\r\n",
        b"HMSG a 1 2\r\nab\r\n",
        b"HMSG a 1 9 2\r\nab\r\n",
        b"x" * (1 << 20) + b"y",
    ],
)
def test_what_is_no_nats_is_an_error(text):
    with pytest.raises(StreamError):
        read(text)


def test_what_a_receiver_raises_is_told_and_the_next_message_comes():
    reading = Reading()
    reading.reader.subscribe(1, lambda msg: 1 // 0)
    reading.reader.feed(b"MSG a 1 1\r\na\r\nMSG a 2 1\r\nb\r\n")
    assert [type(error) for error in reading.errors] == [ZeroDivisionError]
    assert reading.found == [("a", "", None, b"b")]


def test_after_it_was_closed_or_unsubscribed_nothing_comes():
    reading = Reading()
    reading.reader.unsubscribe(1)
    reading.reader.feed(b"MSG a 1 1\r\na\r\n")
    reading.reader.subscribe(2, lambda _: reading.reader.close())
    reading.reader.feed(b"MSG a 2 1\r\nb\r\nPING\r\n")
    reading.reader.feed(b"PING\r\n")
    assert reading.found == []


def test_the_servers_word_is_among_the_headers():
    assert read_headers(b"NATS/1.0 503\r\n\r\n") == {"Status": "503"}
    assert read_headers(b"NATS/1.0 404 No Messages\r\nA: 1\r\n\r\n") == {
        "Status": "404",
        "Description": "No Messages",
        "A": "1",
    }
    assert read_headers(b"NATS/1.0\r\n\r\n") is None


def test_messages_are_written_as_the_protocol_has_them():
    writer = MessageWriter()
    writer.command(b"SUB a  1\r\n")
    writer.message("a.b", "", None, b"body")
    writer.message("a.b", "c", None, b"")
    head = b"NATS/1.0\r\nA: 1\r\n\r\n"
    writer.message("a.é", "c", head, b"0123456789")
    assert writer.take() == (
        b"SUB a  1\r\nPUB a.b 4\r\nbody\r\nPUB a.b c 0\r\n\r\n"
        b"HPUB a.\xc3\xa9 c 18 28\r\n" + head + b"0123456789\r\n"
    )
    assert writer.take() == b""


@given(subjects, st.just("") | subjects, st.none() | headers, bodies)
def test_what_is_written_is_read_again(subject, reply, found, body):
    writer = MessageWriter()
    writer.message(subject, reply, None if found is None else block(found), body)
    verb, rest = writer.take().split(b" ", 1)
    # A server puts the subscription's number behind the subject.
    place, rest = rest.split(b" ", 1)
    data = verb.replace(b"PUB", b"MSG") + b" " + place + b" 2 " + rest
    assert read(data) == [(subject.rpartition(".")[2], reply, found, body)]


class Below(asyncio.Transport):
    """Takes what a stream sends."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def write(self, data):
        self.sent.append(bytes(data))

    def get_write_buffer_size(self):
        return sum(map(len, self.sent))


def stream_on(loop):
    stream, below = MessageStream(loop, [].append, lambda _: None), Below()
    stream.connection_made(below)
    return stream, below


@pytest.mark.parametrize("name", LOOPS)
def test_what_is_sent_in_one_moment_goes_out_in_one_piece(name):
    async def send():
        stream, below = stream_on(asyncio.get_running_loop())
        for n in range(3):
            stream.publish("a", b"%d" % n, "", None)
        assert below.sent == []
        assert stream.unsent() == 3 * len(b"PUB a 1\r\n0\r\n")
        await asyncio.sleep(0)
        assert below.sent == [b"PUB a 1\r\n0\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\n"]
        assert stream.unsent() == 0
        stream.pause_writing()
        assert stream.unsent() == len(below.sent[0])

    with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
        runner.run(send())


async def test_a_large_body_is_sent_at_once_and_in_its_place():
    stream, below = stream_on(asyncio.get_running_loop())
    large = b"x" * 20_000
    stream.publish("a", b"1", "", None)
    stream.publish("b", large, "r", None)
    stream.publish("c", b"2", "", None)
    assert below.sent == [b"PUB a 1\r\n1\r\nPUB b r 20000\r\n", large]
    await asyncio.sleep(0)
    assert below.sent[2:] == [b"\r\nPUB c 1\r\n2\r\n"]


async def test_without_a_connection_nothing_is_kept():
    ends = []
    stream = MessageStream(asyncio.get_running_loop(), [].append, ends.append)
    stream.publish("a", b"1", "", None)
    assert stream.unsent() == 0
    below = Below()
    stream.connection_made(below)
    stream.connection_lost(None)
    stream.publish("a", b"1", "", None)
    await asyncio.sleep(0)
    assert (below.sent, stream.unsent(), ends) == ([], 0, [None])


async def test_nats_py_logs_in_over_our_transport_and_carries_no_message(url, topic):
    loop = asyncio.get_running_loop()
    below = LoginTransport(loop)
    client = client_over(below)
    await client.connect(url)
    assert below.is_connected
    arrived = loop.create_future()
    below.stream.reader.subscribe(1, arrived.set_result)
    below.stream.write(f"SUB {topic}  1\r\n".encode())
    below.stream.publish(topic, b"1", "", None)
    assert (await arrived).data == b"1"
    # And what is no message still goes through it.
    await client.flush()
    assert client.stats["in_msgs"] == 0
    await client.close()
    assert below.at_eof()


def test_a_nats_py_without_a_place_for_a_transport_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(NatsPy, "__init__", lambda self: None)
    with asyncio.Runner() as runner, pytest.raises(RuntimeError, match="this release of nats-py"):
        client_over(LoginTransport(runner.get_loop()))


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("security", ["plain", "tls"])
def test_calls_go_over_any_loop(request, topic, security, name):
    url = request.getfixturevalue("url")
    if security == "tls":
        port = request.getfixturevalue("tls_nats").port
        url = f"tls://localhost:{port}?tls_ca_file={AUTHORITY}"

    async def call():
        transport = get_transport(url)
        client = Client(transport, Target(topic=topic))
        async with Server(transport, Target(topic=topic, server="one"), [Shop()]):
            for value in ("x", "x" * 500_000):
                replies = [client.call("echo", value=value) for _ in range(5)]
                assert await asyncio.gather(*replies) == [value] * 5
        await transport.close()

    with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
        runner.run(call())
