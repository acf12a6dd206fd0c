"""`mainspring run`: an unmodified asyncio program on Mainspring's loop.

Two things have to be right. The program must find itself as `python script.py` would have
set it up: `sys.argv`, `sys.path[0]`, `__main__`, its exit code, its traceback. And whatever it
calls to get a loop must give ours: `asyncio.run`, `asyncio.Runner`, `asyncio.new_event_loop`.

How the second is done depends on the version. Before 3.14 all of them, and `get_event_loop`
too, ask the event loop policy, which is public and made for this. From 3.14 on policies are
deprecated and about to go, and what is left in common is that they call
`asyncio.events.new_event_loop` by its global name; so that name is replaced, in both modules
that carry it. A program that names a loop itself (`loop_factory=`, or a policy of its own before
3.14) gets what it names. A child process started by multiprocessing's `spawn` or
`forkserver` is a new interpreter, and has asyncio's own loop.
"""

from __future__ import annotations

import asyncio
import builtins
import importlib.machinery
import importlib.util
import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

USAGE = "usage: mainspring run [-h] (SCRIPT | -m MODULE) [ARG ...]"
HELP = f"""{USAGE}

Runs an asyncio program on Mainspring's loop, without a change to the program.

  SCRIPT     a Python file, or a folder or zip file with a __main__.py
  -m MODULE  a module or package, as `python -m` takes it
  ARG        what the program finds in sys.argv"""

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Prepare = Callable[[list[str]], tuple[ModuleType, CodeType]]


class NotRunnable(Exception):
    """The program can't be started; the message says why.

    Args:
        message: The reason.
        code: The exit code that python has for it.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: list[str], *, loop_factory: LoopFactory | None = None) -> int:
    """Runs `mainspring run` with what follows it on the command line.

    Args:
        arguments: A script and its arguments, or `-m`, a module and its arguments.
        loop_factory: What makes the loops; None for `mainspring.new_event_loop`.

    Returns:
        The exit code: 0 when the program ran to its end.

    Raises:
        BaseException: Whatever the program lets escape, SystemExit included, so that the
            interpreter ends as it always does.
    """
    if arguments and arguments[0] in ("-h", "--help"):
        print(HELP)
        return 0
    as_module = bool(arguments) and arguments[0] == "-m"
    rest = arguments[1:] if as_module else arguments
    if not rest or (not as_module and rest[0].startswith("-")):
        print(USAGE, file=sys.stderr)
        reason = f"unknown option {rest[0]}" if rest else "there is no program to run"
        print(f"mainspring run: error: {reason}", file=sys.stderr)
        return 2
    if loop_factory is None:
        import mainspring

        loop_factory = mainspring.new_event_loop
    install(loop_factory)
    hide_own_frames()
    try:
        execute(prepare_module if as_module else prepare_script, rest)
    except NotRunnable as exc:
        print(f"mainspring run: {exc}", file=sys.stderr)
        return exc.code
    return 0


def execute(prepare: Prepare, arguments: list[str]) -> None:
    """Runs the program as `__main__`. In a traceback the program begins below this frame.

    Args:
        prepare: What sets the interpreter up and finds the code.
        arguments: The script or module, and the arguments for it.

    Raises:
        NotRunnable: There is no such program.
        BaseException: Whatever the program lets escape.
    """
    module, code = prepare(arguments)
    vars(module)["__builtins__"] = builtins
    # It stays there: threads and exit functions of the program may look for it at the very end.
    sys.modules["__main__"] = module
    exec(code, vars(module))


def install(loop_factory: LoopFactory) -> None:
    """Makes asyncio's own ways of getting a new loop give ours, for the rest of the process.

    Args:
        loop_factory: What makes a loop.
    """
    if sys.version_info >= (3, 14):

        def new_event_loop() -> asyncio.AbstractEventLoop:
            """Returns a new loop of Mainspring, which `mainspring run` has put here."""
            return loop_factory()

        asyncio.events.new_event_loop = new_event_loop
        asyncio.new_event_loop = new_event_loop
    else:

        class Policy(asyncio.DefaultEventLoopPolicy):
            """asyncio's own policy, child watchers and all, but for the kind of loop."""

            def new_event_loop(self) -> asyncio.AbstractEventLoop:
                """Returns a new loop of Mainspring."""
                return loop_factory()

        asyncio.set_event_loop_policy(Policy())


def prepare_script(arguments: list[str]) -> tuple[ModuleType, CodeType]:
    """Sets the interpreter up for a script, as `python SCRIPT ARG ...` does.

    Args:
        arguments: The script, and the arguments for it.

    Returns:
        The new `__main__`, and the code to run in it.

    Raises:
        NotRunnable: There is no such file, or it can't be read.
        SyntaxError: It isn't Python.
    """
    script = arguments[0]
    sys.argv = list(arguments)
    if os.path.isdir(script) or zipfile.is_zipfile(script):
        set_first_path(os.path.abspath(script))
        found = importlib.machinery.PathFinder.find_spec("__main__", [script])
        if found is None:
            raise NotRunnable(f"can't find '__main__' module in {script!r}", 1)
        return module_and_code(found)
    path = os.path.abspath(script)
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as exc:
        reason = f"[Errno {exc.errno}] {exc.strerror}"
        raise NotRunnable(f"can't open file {path!r}: {reason}", 2) from exc
    # A link to a script finds the modules that lie beside what it points to.
    set_first_path(str(Path(path).resolve().parent))
    module = ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = importlib.machinery.SourceFileLoader("__main__", path)
    # dont_inherit: the `from __future__` line of this file must not hold in the program.
    return module, compile(source, path, "exec", dont_inherit=True)


def prepare_module(arguments: list[str]) -> tuple[ModuleType, CodeType]:
    """Sets the interpreter up for a module, as `python -m MODULE ARG ...` does.

    Args:
        arguments: The module or package, and the arguments for it.

    Returns:
        The new `__main__`, and the code to run in it.

    Raises:
        NotRunnable: There is no such module, or it is a package without a `__main__`.
        Exception: What a parent package raises when it is imported.
    """
    name = arguments[0]
    sys.argv = ["-m", *arguments[1:]]
    set_first_path(os.getcwd())
    spec = find_module(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = find_module(f"{name}.__main__")
        if spec is None:
            raise NotRunnable(
                f"No module named {name}.__main__; {name!r} is a package and cannot be directly "
                "executed",
                1,
            )
    if spec is None:
        raise NotRunnable(f"No module named {name}", 1)
    module, code = module_and_code(spec)
    sys.argv[0] = str(module.__file__)
    return module, code


def find_module(name: str) -> importlib.machinery.ModuleSpec | None:
    """Finds a module without running it; its parent packages are imported.

    Args:
        name: The full name.

    Returns:
        Where it is, or None if it or one of its parents doesn't exist.
    """
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as exc:
        # A parent that is missing is an answer; a parent that misses something is a failure.
        if exc.name is not None and (name + ".").startswith(exc.name + "."):
            return None
        raise


def module_and_code(spec: importlib.machinery.ModuleSpec) -> tuple[ModuleType, CodeType]:
    """Makes a `__main__` out of what an import would have loaded.

    Args:
        spec: Where the module is.

    Returns:
        The new `__main__`, and the code to run in it.

    Raises:
        NotRunnable: The module has no Python code (it is compiled, or a namespace package).
    """
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(spec.name) if get_code is not None else None
    if code is None:
        raise NotRunnable(f"No code object available for {spec.name}", 1)
    module = ModuleType("__main__")
    module.__file__ = spec.origin
    module.__loader__ = spec.loader
    module.__package__ = spec.parent
    module.__spec__ = spec
    return module, code


def set_first_path(folder: str) -> None:
    """Puts the program's folder where this command's own was, at the head of `sys.path`.

    Args:
        folder: The folder, or a zip file.
    """
    # With -P or PYTHONSAFEPATH nobody has put a folder there, and nobody shall.
    if not sys.flags.safe_path:
        sys.path[0] = folder


def hide_own_frames() -> None:
    """Makes a traceback begin with the program's first frame, as if python had started it.

    The exception goes on to the interpreter, which alone knows how to end after each kind of it
    (KeyboardInterrupt ends the process by SIGINT); only what is printed is shortened.
    """
    show = sys.excepthook

    def excepthook(
        kind: type[BaseException], exc: BaseException, traceback: TracebackType | None
    ) -> None:
        frames = traceback
        while frames is not None and frames.tb_frame.f_code is not execute.__code__:
            frames = frames.tb_next
        # Setting the program up happens in this file too, and a SyntaxError has nothing below it.
        while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
            frames = frames.tb_next
            traceback = frames
        show(kind, exc.with_traceback(traceback), traceback)

    sys.excepthook = excepthook
