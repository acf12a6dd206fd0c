"""What asyncio shows of tasks, from within and from another process: since Python 3.14."""

import asyncio
import io
import os
import subprocess
import sys

import pytest

from tests.loop.helpers import PATIENCE

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 14), reason="asyncio's call graphs and `python -m asyncio ps` are new"
)

PROGRAM = """
import asyncio, sys
import mainspring

async def waits_for_ever():
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()

async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(waits_for_ever(), name="the child")

asyncio.run(main(), loop_factory={spec})
"""


@pytest.fixture(params=["asyncio.SelectorEventLoop", "mainspring.new_event_loop"])
def process(request):
    """A process of which a task waits for ever, in a task group."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = PROGRAM.format(spec=request.param)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as started:
        try:
            assert started.stdout.readline() == "ready\n"
            yield started.pid
        finally:
            started.kill()


def look_at(pid, command):
    done = subprocess.run(
        [sys.executable, "-m", "asyncio", command, str(pid)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0 and "ermission" in done.stdout + done.stderr:
        pytest.skip("this system lets no process look into another")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_ps_lists_the_tasks_of_another_process(process):
    rows = [line for line in look_at(process, "ps").splitlines() if "0x" in line]
    (child,) = [row for row in rows if " the child " in row]
    assert "waits_for_ever" in child
    assert "main" in child.partition("waits_for_ever")[2]
    assert len(rows) == 2


def test_pstree_shows_who_waits_for_whom(process):
    text = look_at(process, "pstree")
    assert 0 <= text.index("Task-1") < text.index("the child") < text.index("waits_for_ever")


def test_the_call_graph_of_a_task_leads_to_those_who_wait_for_it(loop):
    async def child():
        graphs.append(asyncio.capture_call_graph())
        asyncio.print_call_graph(file=out)

    async def main():
        task = asyncio.create_task(child(), name="the child")
        await task
        return task

    graphs, out = [], io.StringIO()
    task = loop.run_until_complete(main())
    (graph,) = graphs
    assert graph.future is task
    assert graph.call_stack[0].frame.f_code is child.__code__
    (awaiter,) = graph.awaited_by
    assert awaiter.call_stack[-1].frame.f_code is main.__code__
    assert "name='the child'" in out.getvalue()


def test_the_call_graph_of_a_task_that_waits_names_the_line(loop):
    async def child():
        await future

    async def main():
        task = asyncio.create_task(child())
        await asyncio.sleep(0)
        graph = asyncio.capture_call_graph(task)
        text = asyncio.format_call_graph(task)
        future.set_result(None)
        await task
        return graph.call_stack[-1].frame.f_code is child.__code__, text

    future = loop.create_future()
    is_child, text = loop.run_until_complete(main())
    assert is_child
    assert ".child()" in text


def test_all_tasks_of_a_loop_are_known_to_another_thread(loop):
    async def main():
        task = asyncio.create_task(asyncio.sleep(3600), name="the child")
        found = await asyncio.to_thread(asyncio.all_tasks, asyncio.get_running_loop())
        task.cancel()
        return {task.get_name() for task in found}

    names = loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_default_executor())
    assert "the child" in names
