"""The real oslo.messaging with threads, for the benchmark; runs in an environment of its own.

python peer_oslo.py server|client URL BYTES
"""

import logging
import sys
import warnings

warnings.simplefilter("ignore")
import oslo_messaging  # noqa: E402
from closed_loop import call_in_threads, orders, say  # noqa: E402
from oslo_config import cfg  # noqa: E402


class Endpoint:
    """What is called."""

    def echo(self, ctxt, value):
        """Returns what it gets."""
        return value


def main(role, url, size):
    """Serves until the input ends, or calls as it is told to."""
    # Its pool warns at each call above its limit, which would be measured too.
    logging.basicConfig(level=logging.ERROR)
    cfg.CONF([], project="benchmark")
    transport = oslo_messaging.get_rpc_transport(cfg.CONF, url)
    if role == "server":
        target = oslo_messaging.Target(topic="benchmark", server="one")
        server = oslo_messaging.get_rpc_server(
            transport, target, [Endpoint()], executor="threading"
        )
        server.start()
        say(ready=True)
        for _ in orders():
            pass
        server.stop()
        server.wait()
        return
    client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="benchmark"))
    value = "x" * size
    client.call({}, "echo", value=value)
    say(ready=True)
    call_in_threads(lambda: client.call({}, "echo", value=value))
    transport.cleanup()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
