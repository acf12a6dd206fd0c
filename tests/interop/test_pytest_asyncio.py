"""pytest-asyncio, which runs a test on the loops that a hook in conftest.py names."""

import textwrap
from typing import Any

CONFTEST = """
    import {module}

    pytest_plugins = "pytest_asyncio"

    def pytest_asyncio_loop_factories(config, item):
        return {{"{module}": {module}.{name}}}
    """

TESTS = """
    import asyncio

    import pytest
    import pytest_asyncio

    @pytest_asyncio.fixture
    async def server():
        async def answer(reader, writer):
            writer.write((await reader.readline()).upper())
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()

    @pytest_asyncio.fixture(loop_scope="module", scope="module")
    async def shared():
        return asyncio.get_running_loop()

    @pytest.mark.asyncio
    async def test_the_loop_is_the_one_that_was_named():
        assert type(asyncio.get_running_loop()).__module__.startswith("{module}")

    @pytest.mark.asyncio
    async def test_a_fixture_serves_the_test(server):
        reader, writer = await asyncio.open_connection(*server)
        writer.write(b"hello\\n")
        assert await reader.read() == b"HELLO\\n"
        writer.close()
        await writer.wait_closed()

    @pytest.mark.asyncio(loop_scope="module")
    async def test_a_module_shares_its_loop(shared):
        assert shared is asyncio.get_running_loop()

    @pytest.mark.asyncio
    async def test_a_failure_is_a_failure():
        await asyncio.sleep(0)
        assert False, "on purpose"
    """


def test_tests_run_on_the_loop_that_the_hook_names(
    start: Any, tmp_path: Any, loop_spec: str
) -> None:
    module, _, name = loop_spec.partition(":")
    conftest = textwrap.dedent(CONFTEST).format(module=module, name=name)
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_it.py").write_text(textwrap.dedent(TESTS).replace("{module}", module))
    config = "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(config)
    program = start("-m", "pytest", "-p", "no:cacheprovider", "-q", tmp_path)
    status = program.wait()
    said = "".join(program.lines)
    assert status == 1, said
    assert "AssertionError: on purpose" in said, said
    assert "1 failed, 3 passed" in said, said
