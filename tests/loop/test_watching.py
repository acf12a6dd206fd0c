"""`add_reader` and `add_writer`: asyncio's rules, and what a misused or closed fd does."""

import errno
import os
import socket
import tempfile

import pytest

from tests.loop.helpers import run_ready


def watch_calls():
    return pytest.mark.parametrize(
        ("add", "remove"),
        [("add_reader", "remove_reader"), ("add_writer", "remove_writer")],
        ids=["reader", "writer"],
    )


def test_a_reader_is_called_with_its_arguments(loop, pair):
    seen = []
    pair[1].send(b"x")
    loop.add_reader(pair[0], lambda *args: (seen.append(args), loop.stop()), 1, "two")
    loop.run_forever()
    loop.remove_reader(pair[0])
    assert seen == [(1, "two")]


def test_a_writer_is_called_with_its_arguments(loop, pair):
    seen = []
    loop.add_writer(pair[0], lambda *args: (seen.append(args), loop.stop()), 1, "two")
    loop.run_forever()
    loop.remove_writer(pair[0])
    assert seen == [(1, "two")]


@watch_calls()
def test_a_number_and_an_object_with_fileno_name_the_same_fd(loop, pair, add, remove):
    getattr(loop, add)(pair[0], print)
    assert getattr(loop, remove)(pair[0].fileno()) is True
    getattr(loop, add)(pair[0].fileno(), print)
    assert getattr(loop, remove)(pair[0]) is True


@watch_calls()
def test_removing_tells_whether_there_was_one(loop, pair, add, remove):
    assert getattr(loop, remove)(pair[0]) is False
    getattr(loop, add)(pair[0], print)
    assert getattr(loop, remove)(pair[0]) is True
    assert getattr(loop, remove)(pair[0]) is False


@watch_calls()
def test_the_new_callback_replaces_the_old(loop, pair, add, remove):
    seen = []
    pair[1].send(b"x")
    getattr(loop, add)(pair[0], seen.append, "old")
    getattr(loop, add)(pair[0], seen.append, "new")
    run_ready(loop)
    assert seen == ["new"]
    assert getattr(loop, remove)(pair[0]) is True
    assert getattr(loop, remove)(pair[0]) is False


@watch_calls()
def test_a_socket_that_was_closed_is_known_by_the_object_it_was_registered_with(
    loop, pair, add, remove
):
    getattr(loop, add)(pair[0], print)
    pair[0].close()
    assert getattr(loop, remove)(pair[0]) is True
    with pytest.raises(ValueError, match="Invalid file descriptor: -1"):
        getattr(loop, remove)(pair[0])


def test_a_closed_socket_with_a_writer_has_no_reader(loop, pair):
    loop.add_writer(pair[0], print)
    pair[0].close()
    assert loop.remove_reader(pair[0]) is False
    assert loop.remove_writer(pair[0]) is True


@watch_calls()
def test_a_closed_socket_that_was_registered_by_its_number_is_not_known(loop, pair, add, remove):
    number = pair[0].fileno()
    getattr(loop, add)(number, print)
    pair[0].close()
    with pytest.raises(ValueError, match="Invalid file descriptor: -1"):
        getattr(loop, remove)(pair[0])
    assert getattr(loop, remove)(number) is True


@watch_calls()
def test_a_closed_socket_has_no_watcher_in_a_closed_loop(new_loop, pair, add, remove):
    loop = new_loop()
    loop.close()
    pair[0].close()
    assert getattr(loop, remove)(pair[0]) is False


def test_the_reader_and_the_writer_of_an_fd_are_independent(loop, pair):
    seen = []
    pair[1].send(b"x")
    loop.add_reader(pair[0], seen.append, "reader")
    loop.add_writer(pair[0], seen.append, "writer")
    assert loop.remove_reader(pair[0]) is True
    run_ready(loop)
    assert seen == ["writer"]
    assert loop.remove_writer(pair[0]) is True


def test_a_callback_is_called_for_as_long_as_the_fd_is_ready(loop, pair):
    def read():
        seen.append(pair[0].recv(1))
        if len(seen) == 3:
            loop.stop()

    seen = []
    pair[1].send(b"abc")
    loop.add_reader(pair[0], read)
    loop.run_forever()
    run_ready(loop)
    loop.remove_reader(pair[0])
    assert seen == [b"a", b"b", b"c"]


def test_a_callback_may_remove_itself(loop, pair):
    seen = []
    pair[1].send(b"x")
    loop.add_reader(pair[0], lambda: seen.append(loop.remove_reader(pair[0])))
    run_ready(loop)
    run_ready(loop)
    assert seen == [True]


def test_a_callback_that_removes_another_prevents_it(loop, pair):
    def remove_both():
        seen.append((loop.remove_reader(pair[0]), loop.remove_reader(pair[1])))

    seen = []
    for sock in pair:
        sock.send(b"x")
        loop.add_reader(sock, remove_both)
    run_ready(loop)
    run_ready(loop)
    assert seen == [(True, True)]


@watch_calls()
@pytest.mark.parametrize("wrong", [-1, None, "0", 1.5, object(), socket])
def test_what_names_no_fd_is_refused(loop, add, remove, wrong):
    with pytest.raises(ValueError, match="Invalid file"):
        getattr(loop, add)(wrong, print)
    with pytest.raises(ValueError, match="Invalid file"):
        getattr(loop, remove)(wrong)


@watch_calls()
def test_a_closed_socket_is_refused(loop, add, remove):
    sock = socket.socket()
    sock.close()
    with pytest.raises(ValueError, match="Invalid file"):
        getattr(loop, add)(sock, print)


@watch_calls()
def test_a_number_that_is_not_open_is_refused_and_not_remembered(loop, add, remove):
    fd = os.dup(0)
    os.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor") as refused:
        getattr(loop, add)(fd, print)
    assert refused.value.errno == errno.EBADF
    assert getattr(loop, remove)(fd) is False


@watch_calls()
def test_a_regular_file_is_refused_and_not_remembered(loop, add, remove):
    with tempfile.TemporaryFile() as file:
        with pytest.raises(PermissionError):
            getattr(loop, add)(file, print)
        assert getattr(loop, remove)(file) is False
        # Nor does the loop wait for it from now on.
        run_ready(loop)


def test_a_refused_fd_leaves_the_number_free_for_the_next_file(loop, pair):
    with tempfile.TemporaryFile() as file:
        number = file.fileno()
        with pytest.raises(PermissionError):
            loop.add_reader(file, print)
    os.dup2(pair[0].fileno(), number)
    try:
        seen = []
        pair[1].send(b"x")
        loop.add_reader(number, lambda: (seen.append(1), loop.stop()))
        loop.run_forever()
        loop.remove_reader(number)
        assert seen == [1]
    finally:
        os.close(number)


def test_a_refused_replacement_leaves_the_old_callback(ours):
    reader, writer = os.pipe()
    ours.add_reader(reader, print)
    os.close(reader)
    with pytest.raises(OSError, match="Bad file descriptor"):
        ours.add_reader(reader, print)
    os.close(writer)
    assert ours.remove_reader(reader) is True
    assert ours.remove_reader(reader) is False


def test_a_callback_that_can_not_be_called_is_refused(ours, pair):
    with pytest.raises(TypeError, match="a callable object was expected by add_reader"):
        ours.add_reader(pair[0], 5)
    with pytest.raises(TypeError, match="a callable object was expected by add_writer"):
        ours.add_writer(pair[0], None)
    assert ours.remove_reader(pair[0]) is False


def test_a_closed_fd_can_still_be_removed(loop):
    reader, writer = os.pipe()
    loop.add_reader(reader, print)
    os.close(reader)
    os.close(writer)
    assert loop.remove_reader(reader) is True
    assert loop.remove_reader(reader) is False
    run_ready(loop)
