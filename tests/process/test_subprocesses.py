"""Children and their pipes, as asyncio's."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile

import pytest

import mainspring
from mainspring import Priority
from tests.net.support import next_iteration

PIPE, DEVNULL, STDOUT = subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT
START = asyncio.create_subprocess_exec
SHELL = asyncio.create_subprocess_shell


class Recorder(asyncio.SubprocessProtocol):
    """Keeps what happened."""

    def __init__(self):
        self.events = []
        self.data = {1: b"", 2: b""}
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.events.append("made")

    def pipe_data_received(self, fd, data):
        self.data[fd] += data

    def pipe_connection_lost(self, fd, exc):
        self.events.append(("pipe", fd, exc))

    def process_exited(self):
        self.events.append("exited")

    def connection_lost(self, exc):
        self.events.append(("lost", exc))
        self.over.set_result(None)


@pytest.mark.parametrize("code", [0, 7, 255])
def test_the_exit_code_is_told(code, run):
    async def main():
        process = await SHELL(f"exit {code}")
        assert await process.wait() == code
        assert process.returncode == code
        assert await process.wait() == code

    run(main())


def test_a_signal_is_a_negative_return_code(run):
    async def main():
        process = await SHELL("kill -USR1 $$")
        assert await process.wait() == -signal.SIGUSR1

    run(main())


def test_the_output_of_a_child_is_received(run):
    async def main():
        process = await SHELL("echo out; echo err >&2", stdout=PIPE, stderr=PIPE)
        assert await process.communicate() == (b"out\n", b"err\n")
        assert process.returncode == 0

    run(main())


def test_a_child_reads_what_is_written(run):
    async def main():
        process = await START("cat", stdin=PIPE, stdout=PIPE)
        data = os.urandom(500_000)
        assert await process.communicate(data) == (data, None)

    run(main())


def test_a_conversation_with_a_child(run):
    async def main():
        process = await START("cat", stdin=PIPE, stdout=PIPE)
        for line in (b"one\n", b"two\n"):
            process.stdin.write(line)
            await process.stdin.drain()
            assert await process.stdout.readline() == line
        process.stdin.close()
        await process.stdin.wait_closed()
        assert await process.stdout.read() == b""
        assert await process.wait() == 0

    run(main())


def test_errors_can_go_where_the_output_goes(run):
    async def main():
        process = await SHELL("echo out; echo err >&2", stdout=PIPE, stderr=STDOUT)
        assert await process.communicate() == (b"out\nerr\n", None)
        assert process.stderr is None

    run(main())


def test_nothing_is_read_and_nothing_written_where_nothing_is_wanted(run):
    async def main():
        process = await START("cat", stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        assert await process.communicate() == (None, None)
        assert process.returncode == 0

    run(main())


def test_files_and_fds_can_be_a_childs_own(run):
    async def main():
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as taken:
            given.write(b"from a file")
            given.seek(0)
            process = await START("cat", stdin=given, stdout=taken.fileno())
            assert await process.wait() == 0
            taken.seek(0)
            assert taken.read() == b"from a file"

    run(main())


def test_a_child_may_inherit_what_the_parent_has(run):
    async def main():
        reading, writing = os.pipe()
        process = await SHELL(f"echo inherited > /dev/fd/{writing}", pass_fds=[writing])
        assert await process.wait() == 0
        assert os.read(reading, 100) == b"inherited\n"
        os.close(reading)
        os.close(writing)

    run(main())


def test_options_of_popen_are_passed_on(run, tmp_path):
    async def main():
        process = await SHELL(
            "pwd; echo $WORD", stdout=PIPE, cwd=tmp_path, env={"WORD": "said", "PATH": "/bin"}
        )
        assert await process.communicate() == (f"{tmp_path}\nsaid\n".encode(), None)
        # The sixth field is the session, which is named after the process that it began with.
        leads_its_session = '[ "$(cut -d" " -f6 /proc/$$/stat)" = $$ ]'
        process = await START("sh", "-c", leads_its_session, start_new_session=True)
        assert await process.wait() == 0

    run(main())


@pytest.mark.parametrize("method", ["terminate", "kill"])
def test_a_child_can_be_ended(method, run):
    async def main():
        process = await START("sleep", "1000")
        getattr(process, method)()
        expected = {"terminate": signal.SIGTERM, "kill": signal.SIGKILL}[method]
        assert await process.wait() == -expected

    run(main())


def test_a_child_can_be_sent_a_signal(run):
    async def main():
        process = await SHELL(
            "trap 'echo caught; exit 3' USR1; echo ready; cat", stdin=PIPE, stdout=PIPE
        )
        assert await process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGUSR1)
        process.stdin.close()
        assert await process.stdout.readline() == b"caught\n"
        assert await process.wait() == 3

    run(main())


def test_a_child_that_has_ended_can_not_be_signalled(run):
    async def main():
        process = await START("true")
        await process.wait()
        await next_iteration(asyncio.get_running_loop())
        for call in (process.kill, process.terminate, lambda: process.send_signal(signal.SIGUSR1)):
            with pytest.raises(ProcessLookupError):
                call()

    run(main())


def test_many_may_wait_for_one_child(run):
    async def main():
        process = await START("cat", stdin=PIPE)
        waiting = [asyncio.ensure_future(process.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting.pop().cancel()
        process.stdin.close()
        assert await asyncio.gather(*waiting) == [0, 0]

    run(main())


def test_the_events_of_a_protocol(run):
    async def main():
        transport, protocol = await asyncio.get_running_loop().subprocess_shell(
            Recorder, "printf out; printf err >&2; cat"
        )
        assert isinstance(transport, asyncio.SubprocessTransport)
        assert protocol.transport is transport
        assert transport.get_protocol() is protocol
        assert transport.get_returncode() is None
        assert transport.get_pid() == transport.get_extra_info("subprocess").pid
        assert isinstance(transport.get_pipe_transport(0), asyncio.WriteTransport)
        assert isinstance(transport.get_pipe_transport(1), asyncio.ReadTransport)
        assert transport.get_pipe_transport(3) is None
        transport.get_pipe_transport(0).close()
        await protocol.over
        assert protocol.data == {1: b"out", 2: b"err"}
        assert protocol.events[0] == "made"
        assert sorted(map(str, protocol.events[1:-1])) == [
            "('pipe', 0, None)",
            "('pipe', 1, None)",
            "('pipe', 2, None)",
            "exited",
        ]
        assert protocol.events[-1] == ("lost", None)
        assert transport.get_returncode() == 0
        assert not transport.is_closing()
        transport.close()
        assert transport.is_closing()

    run(main())


def test_data_that_comes_before_connection_made_is_kept(run):
    class Early(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            assert self.data == {1: b"", 2: b""}

    async def main():
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(Early, "echo", "x")
        await protocol.over
        assert protocol.data[1] == b"x\n"
        transport.close()

    run(main())


def test_closing_the_transport_kills_the_child_and_closes_its_pipes(run):
    async def main():
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(Recorder, "cat")
        transport.close()
        transport.close()
        await protocol.over
        assert transport.get_returncode() == -signal.SIGKILL

    run(main())


def test_the_end_of_a_child_breaks_the_pipe_that_it_should_have_read(run):
    async def main():
        process = await START("sleep", "1000", stdin=PIPE)
        process.stdin.write(bytes(1_000_000))
        process.kill()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await process.stdin.drain()
        assert await process.wait() == -signal.SIGKILL

    run(main())


def test_communicate_ignores_that_a_child_does_not_read(run):
    async def main():
        process = await START("true", stdin=PIPE)
        assert await process.communicate(bytes(1_000_000)) == (None, None)

    run(main())


def test_the_repr_tells_the_state(run):
    async def main():
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(
            Recorder, "cat", stderr=STDOUT
        )
        said = repr(transport)
        assert f"pid={transport.get_pid()} running stdin=<" in said
        assert "stderr" not in said
        transport.close()
        assert "closed" in repr(transport)
        await protocol.over
        assert f"returncode={-signal.SIGKILL}" in repr(transport)

    run(main())


def test_a_hundred_children_at_once_all_end(run):
    async def one(number):
        process = await SHELL(f"exit {number}")
        return await process.wait()

    async def main():
        assert await asyncio.gather(*map(one, range(100))) == list(range(100))

    run(main())


@pytest.mark.parametrize("program", ["/nonexistent/program", "/", ""])
def test_a_program_that_can_not_be_executed_leaves_nothing(program, run):
    async def main():
        protocols = []

        def factory():
            protocols.append(Recorder())
            return protocols[-1]

        tasks = asyncio.all_tasks()
        with pytest.raises(OSError, match=r"No such file|Permission denied"):
            await asyncio.get_running_loop().subprocess_exec(factory, program)
        assert [protocol.events for protocol in protocols] == [[]]
        assert asyncio.all_tasks() == tasks

    run(main())


def test_a_folder_that_does_not_exist_is_told(run):
    async def main():
        with pytest.raises(FileNotFoundError):
            await START("true", cwd="/nonexistent")

    run(main())


@pytest.mark.parametrize(
    "wrong",
    [
        {"universal_newlines": True},
        {"text": True},
        {"encoding": "utf-8"},
        {"errors": "strict"},
        {"bufsize": 4096},
    ],
)
def test_text_and_buffers_are_refused(wrong, run):
    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(ValueError, match=next(iter(wrong))):
            await loop.subprocess_exec(Recorder, "true", **wrong)
        with pytest.raises(ValueError, match=next(iter(wrong))):
            await loop.subprocess_shell(Recorder, "true", **wrong)

    run(main())


def test_a_shell_where_none_is_meant_and_none_where_one_is_are_refused(run):
    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(ValueError, match="shell must be False"):
            await loop.subprocess_exec(Recorder, "true", shell=True)
        with pytest.raises(ValueError, match="shell must be True"):
            await loop.subprocess_shell(Recorder, "true", shell=False)
        with pytest.raises(ValueError, match="cmd must be a string"):
            await loop.subprocess_shell(Recorder, ["true"])

    run(main())


def test_an_unknown_option_starts_nothing(run):
    async def main():
        with pytest.raises(TypeError, match="unknown"):
            await START("true", unknown=1)

    run(main())


def test_a_factory_that_fails_starts_nothing(run):
    def factory():
        raise ZeroDivisionError

    async def main():
        with pytest.raises(ZeroDivisionError):
            await asyncio.get_running_loop().subprocess_exec(factory, "true")

    run(main())


def test_a_start_that_is_cancelled_leaves_no_child(run):
    async def main():
        task = asyncio.ensure_future(START("sleep", "1000", stdin=PIPE, stdout=PIPE))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_a_pipe_that_can_not_be_connected_leaves_no_child(our_loop, our_run):
    async def fails(factory, pipe):
        raise ZeroDivisionError

    async def main():
        our_loop.connect_read_pipe = fails
        with pytest.raises(ZeroDivisionError):
            await START("cat", stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert not our_loop._subprocesses

    our_run(main())


def test_connection_made_that_fails_is_reported_and_the_child_goes_on(run, reported):
    class Failing(Recorder):
        def connection_made(self, transport):
            raise ZeroDivisionError

    async def main():
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(
            Failing, "true", stdin=None, stdout=None, stderr=None
        )
        await protocol.over
        assert transport.get_returncode() == 0
        transport.close()

    run(main())
    assert isinstance(reported.take()[0]["exception"], ZeroDivisionError)


def test_wait_ends_with_the_child_even_if_a_grandchild_holds_its_pipe(our_run):
    """In asyncio since 3.14."""

    async def main():
        # The background cat reads the pipe on fd 3 and holds stdout.
        process = await SHELL("exec 3<&0; cat <&3 & echo started; exit 5", stdin=PIPE, stdout=PIPE)
        assert await process.stdout.readline() == b"started\n"
        assert await process.wait() == 5
        process.stdin.close()
        assert await process.stdout.read() == b""

    our_run(main())


def test_a_child_runs_at_the_priority_that_it_was_given(our_run):
    seen = []

    class Told(Recorder):
        def pipe_data_received(self, fd, data):
            super().pipe_data_received(fd, data)
            seen.append(mainspring.core.priority.current_priority.get(None))

        def process_exited(self):
            super().process_exited()
            seen.append(mainspring.core.priority.current_priority.get(None))

    async def main():
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(
            Told, "echo", "x", priority=Priority.HIGH
        )
        await protocol.over
        assert seen == [Priority.HIGH, Priority.HIGH]
        transport.close()
        with pytest.raises(ValueError, match="priority must be"):
            await START("true", priority=9)

    our_run(main())


def test_the_priority_of_a_child_that_runs_can_be_set(our_run):
    order = []

    class Told(Recorder):
        def pipe_data_received(self, fd, data):
            super().pipe_data_received(fd, data)
            order.append("data")

        def process_exited(self):
            super().process_exited()
            order.append("exited")

    async def main():
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            Told, "sh", "-c", "read line; echo $line", priority=Priority.HIGH
        )
        assert transport.get_priority() is Priority.HIGH
        transport.set_priority(Priority.LOW)
        assert transport.get_priority() is Priority.LOW
        for fd in range(3):
            assert transport.get_pipe_transport(fd).get_priority() is Priority.LOW
        with pytest.raises(ValueError, match="priority must be"):
            transport.set_priority(9)
        transport.get_pipe_transport(0).write(b"x\n")
        await asyncio.sleep(0)
        os.waitid(os.P_PID, transport.get_pid(), os.WEXITED | os.WNOWAIT)
        for _ in range(5):
            await asyncio.sleep(0)
        # DEFAULT work never ended, and so nothing was told.
        assert order == []
        await protocol.over
        transport.close()

    our_run(main())
    assert sorted(order) == ["data", "exited"]


def test_a_loop_in_another_thread_has_children_too(new_thread_loop):
    async def main():
        process = await START(sys.executable, "-S", "-c", "print(1)", stdout=PIPE)
        return await process.communicate()

    assert new_thread_loop(main) == (b"1\n", None)
