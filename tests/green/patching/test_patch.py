"""`mainspring.patch`: what it does to a program, each in a process of its own."""

import pytest

from mainspring import patch
from tests.green.patching.helpers import lines_of
from tests.loop.helpers import run_program


def test_a_module_is_patched_and_its_original_stays_at_hand():
    assert lines_of(
        """
        import socket
        import mainspring.green.socket as green
        print(mainspring.patch.is_patched("socket"), mainspring.patch.is_patched(socket, "socket"))
        print(mainspring.patch.is_patched("socket", "AF_INET"), mainspring.patch.is_patched("re"))
        print(socket.socket is green.socket)
        print(mainspring.patch.original("socket").socket.__module__, end=" ")
        print(mainspring.patch.original(socket).socket is green.socket)
        """
    ) == ["True True", "False False", "True", "socket False"]


def test_what_is_imported_from_a_patched_module_is_green():
    assert lines_of("from socket import socket\nprint(socket.__module__)") == [
        "mainspring.green.socket"
    ]


def test_patching_twice_is_harmless():
    assert lines_of(
        """
        import socket
        green = socket.socket
        mainspring.patch.all()
        mainspring.patch.modules("socket")
        print(socket.socket is green, mainspring.patch.original("socket").socket is green)
        """
    ) == ["True False"]


def test_undone_everything_is_as_it_was():
    assert lines_of(
        """
        import asyncio, logging, socket, sys
        mainspring.patch.undo()
        print(socket.socket.__module__, mainspring.patch.is_patched("socket"))
        print(asyncio.base_events.socket is socket, type(socket) is type(sys))
        print(mainspring.patch.report())
        mainspring.patch.undo()
        mainspring.patch.all()
        print(socket.socket.__module__)
        """
    ) == ["socket False", "True True", "nothing is patched", "mainspring.green.socket"]


def test_all_leaves_out_what_it_is_told_to():
    code, output, errors = run_program(
        "import mainspring\n"
        "mainspring.patch.all(socket=False, ssl=False)\n"
        "print(mainspring.patch.is_patched('socket'))"
    )
    assert (code, output, errors) == (0, "False\n", "")


def test_a_module_that_cannot_be_patched_is_an_error_that_names_those_that_can():
    with pytest.raises(ValueError, match=r"'nosuch' can't be patched; what can is .*socket"):
        patch.modules("nosuch")
    with pytest.raises(TypeError, match=r"nosuch, which can't be patched; what can is .*socket"):
        patch.all(nosuch=False)
    assert not patch.is_patched("socket")


def test_patching_makes_no_loop_and_no_thread():
    assert lines_of(
        """
        print(made, threading.active_count())
        """,
        before="""
        import threading, mainspring, mainspring.core.scheduler
        made = []
        import mainspring.loop.loop as loops, asyncio
        class Noted(loops.Loop):
            def __init__(self, *args, **kwargs):
                made.append(self)
                super().__init__(*args, **kwargs)
        loops.Loop = Noted
        asyncio.new_event_loop = lambda: made.append("asyncio")
        """,
    ) == ["[] 1"]


def test_who_patches_while_a_loop_runs_is_warned():
    code, output, errors = run_program(
        "import mainspring, warnings\n"
        "def main():\n"
        "    with warnings.catch_warnings(record=True) as found:\n"
        "        mainspring.patch.modules('socket')\n"
        "    print(found[0].category.__name__, found[0].message)\n"
        "    print(found[0].filename)\n"
        "mainspring.run(main)"
    )
    assert (code, errors) == (0, "")
    assert output.startswith("PatchWarning socket: patched while a loop runs; ")
    assert output.splitlines()[1] == "<string>"


def test_who_patches_in_another_thread_is_warned():
    code, output, errors = run_program(
        "import mainspring, threading, warnings\n"
        "def patch():\n"
        "    with warnings.catch_warnings(record=True) as found:\n"
        "        mainspring.patch.modules('socket')\n"
        "    print(found[0].category.__name__, found[0].message)\n"
        "thread = threading.Thread(target=patch, name='other')\n"
        "thread.start()\n"
        "thread.join()"
    )
    assert (code, errors) == (0, "")
    assert output.startswith("PatchWarning socket: patched in other, not in the main thread; ")


def test_the_report_names_who_was_too_early():
    lines = lines_of(
        "print(mainspring.patch.report())",
        before="""
        from socket import socket, create_connection as connect
        class Own(socket): pass
        class Holder:
            factory = socket
        def dial(how=connect): ...
        def close_over():
            kind = socket
            return lambda: kind
        kept = close_over()
        """,
    )
    assert [line.strip() for line in lines if "__main__" in line] == [
        "socket.create_connection is held by __main__ (as connect)",
        "socket.create_connection is held by __main__ (in dial)",
        "socket.socket is held by __main__ (Holder.factory)",
        "socket.socket is held by __main__ (Own is a subclass)",
        "socket.socket is held by __main__ (as socket)",
        "socket.socket is held by __main__ (in close_over.<locals>.<lambda>)",
    ]
    assert any(line.startswith("socket: ") and "create_connection, " in line for line in lines)


def test_asyncio_the_executors_and_multiprocessing_keep_the_originals():
    assert lines_of(
        """
        import asyncio, concurrent.futures.thread, multiprocessing.connection, mainspring.net.server
        import importlib.util
        for module in (asyncio.base_events, multiprocessing.connection, mainspring.net.server):
            print(module.socket.socket.__module__)
        import socket
        print(socket.socket.__module__)
        """
    ) == ["socket", "socket", "socket", "mainspring.green.socket"]


def test_a_coroutine_goes_on_as_without_patching():
    assert lines_of(
        """
        import asyncio, socket
        async def main():
            a, b = socket.socketpair()
            with a, b:
                a.setblocking(False)
                b.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(a, b"data")
                print(await loop.sock_recv(b, 10))
                try:
                    b.recv(1)
                except BlockingIOError:
                    print("would block")
        """
    ) == ["b'data'", "would block"]


def test_a_green_thread_waits_alone():
    assert lines_of(
        """
        import socket
        def main():
            a, b = socket.socketpair()
            with a, b:
                reader = mainspring.spawn(b.recv, 10)
                mainspring.sleep(0)
                a.sendall(b"data")
                print(reader.get())
        """
    ) == ["b'data'"]
