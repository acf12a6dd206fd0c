"""`mainspring run` starts a program just as python does, and gives it Mainspring's loop.

Most tests run one program twice, under plain python and under `mainspring run`, and want the same
output, the same traceback and the same exit code: python is the control. Each run is a real
process, because exit codes and the interpreter's last words exist only there.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

MAINSPRING = [sys.executable, "-m", "mainspring"]
# A test must not hang the suite if a program never ends; no test waits for it otherwise.
PATIENCE = 60

PROGRAMS = {
    "arguments": "import sys; print(sys.argv)",
    "path": "import sys; print(sys.path[0])",
    "name and file": "print(__name__, __file__, __package__, __spec__, type(__loader__).__name__)",
    "main module": """
        import sys
        marker = object()
        print(sys.modules["__main__"].marker is marker, type(__builtins__).__name__)
    """,
    "neighbour": "import neighbour; print(neighbour.WORD)",
    "no future import": "def f(x: 1 + 1): pass\nprint(f.__annotations__)",
    "exit code": "import sys; sys.exit(7)",
    "exit message": "import sys; sys.exit('enough')",
    "exit from a coroutine": """
        import asyncio, sys
        async def main():
            sys.exit(9)
        asyncio.run(main())
    """,
    "exception": """
        def inner():
            raise ValueError("as it should be")
        inner()
    """,
    "chained exception": """
        try:
            1 / 0
        except ZeroDivisionError as exc:
            raise ValueError("on top") from exc
    """,
    "syntax error": "def f(:\n    pass\n",
    "interrupt": "raise KeyboardInterrupt",
    "exit function": """
        import atexit
        value = "still here"
        atexit.register(lambda: print(value))
    """,
    "own excepthook": """
        import sys
        sys.excepthook = lambda kind, exc, tb: print("caught", kind.__name__, exc)
        raise ValueError("mine")
    """,
    "thread outlives the script": """
        import threading
        word = "done"
        go = threading.Event()
        threading.Thread(target=lambda: (go.wait(), print(word))).start()
        go.set()
    """,
}


def run(command, folder, **environment):
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHON_COLORS": "0", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def outcome(done):
    return done.returncode, done.stdout, done.stderr


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())
    return path


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "programs" / "neighbour.py", "WORD = 'beside the script'")
    return tmp_path


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_script_behaves_as_under_python(folder, name):
    write(folder / "programs" / "script.py", PROGRAMS[name])
    command = ["programs/script.py", "one", "--two", "-m"]
    expected = run([sys.executable, *command], folder)
    assert outcome(run([*MAINSPRING, "run", *command], folder)) == outcome(expected)


def test_a_linked_script_finds_the_neighbours_of_its_target(folder):
    write(folder / "programs" / "script.py", PROGRAMS["neighbour"])
    (folder / "link.py").symlink_to(folder / "programs" / "script.py")
    done = run([*MAINSPRING, "run", "link.py"], folder)
    assert outcome(done) == (0, "beside the script\n", "")


def test_a_folder_with_a_main_runs_as_under_python(folder):
    write(folder / "app" / "__main__.py", "import sys; print(__name__, sys.path[0], sys.argv)")
    expected = run([sys.executable, "app", "x"], folder)
    assert outcome(run([*MAINSPRING, "run", "app", "x"], folder)) == outcome(expected)


@pytest.mark.parametrize("name", ["tool", "package", "package.part"])
def test_a_module_behaves_as_under_python(folder, name):
    text = "import sys; print(__name__, __package__, __spec__.name, sys.argv, sys.path[0])"
    write(folder / "tool.py", text)
    write(folder / "package" / "__init__.py", "")
    write(folder / "package" / "__main__.py", text)
    write(folder / "package" / "part.py", text)
    expected = run([sys.executable, "-m", name, "-m", "--flag"], folder)
    done = run([*MAINSPRING, "run", "-m", name, "-m", "--flag"], folder)
    assert outcome(done) == outcome(expected)


@pytest.mark.parametrize("name", ["absent", "absent.part", "package", "package.absent"])
def test_a_module_that_is_not_there_is_named_and_ends_with_1(folder, name):
    write(folder / "package" / "__init__.py", "")
    done = run([*MAINSPRING, "run", "-m", name], folder)
    assert done.returncode == 1
    assert f"No module named {name}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_that_fails_to_import_shows_its_own_error(folder):
    write(folder / "package" / "__init__.py", "import something_it_needs")
    write(folder / "package" / "part.py", "")
    done = run([*MAINSPRING, "run", "-m", "package.part"], folder)
    assert done.returncode == 1
    assert "No module named 'something_it_needs'" in done.stderr


def test_a_script_that_is_not_there_ends_with_2(folder):
    done = run([*MAINSPRING, "run", "absent.py"], folder)
    assert done.returncode == 2
    assert "can't open file" in done.stderr
    assert "absent.py" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["-m"], ["--fast", "script.py"]])
def test_a_wrong_command_line_ends_with_2_and_the_usage(folder, arguments):
    done = run([*MAINSPRING, "run", *arguments], folder)
    assert done.returncode == 2
    assert "usage: mainspring run" in done.stderr


ASK_FOR_A_LOOP = {
    "asyncio.run": """
        async def main():
            show(asyncio.get_running_loop())
        asyncio.run(main())
    """,
    "asyncio.Runner": """
        with asyncio.Runner() as runner:
            show(runner.get_loop())
    """,
    "asyncio.new_event_loop": """
        loop = asyncio.new_event_loop()
        show(loop)
        loop.close()
    """,
    "asyncio.events.new_event_loop": """
        loop = asyncio.events.new_event_loop()
        show(loop)
        loop.close()
    """,
    "a name imported from asyncio": """
        from asyncio import new_event_loop
        loop = new_event_loop()
        show(loop)
        loop.close()
    """,
    "a test case of unittest": """
        import unittest
        class Case(unittest.IsolatedAsyncioTestCase):
            async def test(self):
                show(asyncio.get_running_loop())
        unittest.main(argv=["x"], exit=False, verbosity=0)
    """,
    "a thread of its own": """
        import threading
        async def main():
            show(asyncio.get_running_loop())
        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        thread.join()
    """,
}


@pytest.mark.parametrize("way", ASK_FOR_A_LOOP)
def test_every_way_to_ask_asyncio_for_a_loop_gives_ours(folder, way):
    prelude = """
        import asyncio
        def show(loop):
            print(type(loop).__mro__[0].__module__.partition(".")[0])
    """
    write(folder / "script.py", textwrap.dedent(prelude) + textwrap.dedent(ASK_FOR_A_LOOP[way]))
    done = run([*MAINSPRING, "run", "script.py"], folder)
    assert (done.returncode, done.stdout) == (0, "mainspring\n"), done.stderr


def test_no_warning_is_shown_even_when_all_warnings_are_errors(folder):
    write(folder / "script.py", "import asyncio; asyncio.run(asyncio.sleep(0)); print('quiet')")
    done = run([*MAINSPRING, "run", "script.py"], folder, PYTHONWARNINGS="error")
    assert outcome(done) == (0, "quiet\n", "")


def test_a_loop_that_the_program_names_itself_is_kept(folder):
    text = """
        import asyncio
        async def main():
            print(type(asyncio.get_running_loop()).__name__)
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(main())
    """
    write(folder / "script.py", text)
    done = run([*MAINSPRING, "run", "script.py"], folder)
    assert "SelectorEventLoop" in done.stdout


def test_an_interrupt_in_a_coroutine_ends_the_process_as_under_python(folder):
    text = """
        import asyncio, os, signal
        async def main():
            try:
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.Event().wait()
            finally:
                print("cleaned up", flush=True)
        asyncio.run(main())
    """
    write(folder / "script.py", text)
    expected = run([sys.executable, "script.py"], folder)
    done = run([*MAINSPRING, "run", "script.py"], folder)
    assert (done.returncode, done.stdout) == (expected.returncode, expected.stdout)
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")


def test_a_traceback_out_of_a_coroutine_does_not_show_the_command(folder):
    text = """
        import asyncio
        async def main():
            raise ValueError("inside")
        asyncio.run(main())
    """
    write(folder / "script.py", text)
    done = run([*MAINSPRING, "run", "script.py"], folder)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ValueError: inside")
    assert str(Path("mainspring", "cli")) not in done.stderr


def test_the_safe_path_option_of_python_is_respected(folder):
    write(folder / "programs" / "script.py", PROGRAMS["neighbour"])
    done = run([*MAINSPRING, "run", "programs/script.py"], folder, PYTHONSAFEPATH="1")
    assert done.returncode == 1
    assert "No module named 'neighbour'" in done.stderr
