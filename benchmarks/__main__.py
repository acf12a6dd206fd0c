"""`python -m benchmarks COMMAND`: one command for each figure that the project states."""

import argparse
import json
import sys
from importlib import import_module

from benchmarks.options import Command
from benchmarks.processes import BenchmarkError

COMMANDS = {
    "echo": "benchmarks.echo",
    "latency": "benchmarks.latency",
    "gate": "benchmarks.gate",
    "micro": "benchmarks.micro",
    "green": "benchmarks.green",
    "green-echo": "benchmarks.green_echo",
    "http": "benchmarks.http_plaintext",
    "wsgi": "benchmarks.wsgi",
    "syscalls": "benchmarks.syscalls",
    "memory": "benchmarks.memory",
    "soak": "benchmarks.soak",
    "spawn": "benchmarks.spawn",
    "rpc": "benchmarks.rpc",
    "rpc-rabbit": "benchmarks.rabbit.rpc",
    "rpc-nats": "benchmarks.nats.rpc",
    "amqp": "benchmarks.rabbit.messages",
    "callgrind": "benchmarks.callgrind",
    "report": "benchmarks.report",
}


def main(argv: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: the arguments without the program's name; those of the process by default.

    Returns:
        The exit status: 1 if something that the command needs is missing or failed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    sub = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands: dict[str, Command] = {}
    for name, module in COMMANDS.items():
        command: Command = import_module(module)
        commands[name] = command
        command.add_arguments(sub.add_parser(name, help=command.HELP, description=command.HELP))
    options = parser.parse_args(argv)
    command = commands[options.command]
    try:
        result = command.measure(options)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        json.dump(result, sys.stdout, indent=1)
        print()
    else:
        print(command.render(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
