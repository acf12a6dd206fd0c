"""`make services`: RabbitMQ and NATS on free ports of loopback, for as long as they are needed.

    python -m tests.services [-- COMMAND [ARG ...]]

What isn't installed is fetched from Debian's archive into `.tools/debian`. The services run until
the command has ended; without a command, until Ctrl-C or the end of the input. A command finds
them through `MAINSPRING_RABBITMQ_URL` and `MAINSPRING_NATS_URL`.
"""

import os
import signal
import subprocess
import sys

from .nats import Nats
from .rabbitmq import RabbitMQ


def main(arguments: list[str]) -> int:
    """Starts the services and runs the command, or waits.

    Args:
        arguments: the command, after `--`.

    Returns:
        The exit code of the command, or 0.
    """
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    # Being terminated is an order to stop the services first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("starting RabbitMQ and NATS", flush=True)
    try:
        with RabbitMQ.running() as rabbitmq, Nats.running() as nats:
            urls = {"MAINSPRING_RABBITMQ_URL": rabbitmq.url, "MAINSPRING_NATS_URL": nats.url}
            for name, url in urls.items():
                print(f"{name}={url}", flush=True)
            if command:
                return subprocess.run(command, env={**os.environ, **urls}, check=False).returncode
            print("running until Ctrl-C, or the end of the input", flush=True)
            while sys.stdin.read(1):
                pass
    except KeyboardInterrupt:
        pass
    finally:
        print("stopped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
