"""Ten thousand requests at once, all of which wait in the application; the clients are green, too.

They are in a process of their own: each request takes an fd on either side.
"""

import asyncio
import resource
import subprocess
import sys

import pytest

import mainspring
from mainspring.green import await_
from mainspring.green import subprocess as green_subprocess
from mainspring.green.wsgi import WSGIServer
from tests.green.wsgi.support import LOCAL, TEXT

COUNT = 10_000
FDS = COUNT + 200

CLIENTS = f"""
import sys
import mainspring
from mainspring.green import spawn
from mainspring.green.http.client import HTTPConnection

def ask(number):
    connection = HTTPConnection("127.0.0.1", int(sys.argv[1]))
    connection.request("GET", f"/{{number}}")
    body = connection.getresponse().read()
    connection.close()
    return body == b"/%d" % number

def main():
    threads = [spawn(ask, number) for number in range({COUNT})]
    print(sum(thread.get() for thread in threads), "answered")

mainspring.run(main)
"""


@pytest.fixture
def many_fds():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FDS:
        pytest.skip(f"{FDS} fds are needed, and the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FDS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_fds")
def test_ten_thousand_requests_wait_side_by_side():
    def main():
        inside, everybody = [], asyncio.Event()

        def application(environ, start_response):
            inside.append(environ["PATH_INFO"])
            if len(inside) == COUNT:
                everybody.set()
            await_(everybody.wait())
            start_response("200 OK", TEXT)
            return [environ["PATH_INFO"].encode()]

        # Nobody is answered before all are there: no head may be late, however slow the machine.
        with WSGIServer(LOCAL, application, header_timeout=3600) as server:
            command = [sys.executable, "-c", CLIENTS, str(server.server_port)]
            done = green_subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            return done.stdout, len(set(inside))

    assert mainspring.run(main) == (f"{COUNT} answered\n", COUNT)
