"""The price service of the porting guides behaves the same before the move and at each step of it.

Each runs in a process of its own, in front of a backend that answers when the test wants it to.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.examples.backend import PATIENCE, Backend
from tests.examples.steps import PORTING, STEPS, STRICT, Service, Step

SIDE_BY_SIDE = 8
HEAD = """
import asyncio, sys
backend = ("127.0.0.1", int(sys.argv[1]))
"""
# A coroutine waits for a function of the service that waits as if it blocked, or the other way.
BESIDE = {
    "eventlet-1": """
import eventlet
from step0_before import Prices
from mainspring import await_
service = Prices(backend)
async def main():
    first = eventlet.spawn(service.get, "apple", 60)
    return await first, await eventlet.spawn(lambda: await_(asyncio.sleep(0, "slept")))
eventlet.sleep(0)
print(await_(main()))
""",
    "gevent-1": """
import gevent
from step0_before import Prices
from mainspring import await_
from mainspring.compat.gevent import as_future
service = Prices(backend)
async def main():
    first = as_future(gevent.spawn(service.get, "apple", 60))
    return await first, await as_future(gevent.spawn(await_, asyncio.sleep(0, "slept")))
gevent.sleep(0)
print(await_(main()))
""",
    "eventlet-2": """
import eventlet
from step2_coroutine import Prices
from mainspring import await_, spawn
service = Prices(backend)
async def main():
    await service.ask("pear")
    first = eventlet.spawn(service.get, "apple", 60)
    return await first, await spawn(await_, asyncio.sleep(0, "slept"))
eventlet.sleep(0)
print(await_(main()))
""",
    "gevent-2": """
import gevent
from step2_coroutine import Prices
from mainspring import await_, spawn
from mainspring.compat.gevent import as_future
service = Prices(backend)
async def main():
    await service.ask("pear")
    first = as_future(gevent.spawn(service.get, "apple", 60))
    return await first, await spawn(await_, asyncio.sleep(0, "slept"))
gevent.sleep(0)
print(await_(main()))
""",
    "3": """
from step3_green_threads import Prices, await_, mainspring
from mainspring.green import green
service = Prices(backend)
async def main():
    await service.ask("pear")
    return await green(service.get, "apple", 60), await green(await_, asyncio.sleep(0, "slept"))
print(mainspring.run(main))
""",
    "4": """
from step4_coroutines import Prices, await_, mainspring
from mainspring.green import green
service = Prices(backend)
async def main():
    await green(service.price, {"item": "pear"})
    return await service.get("apple", 60), await green(await_, asyncio.sleep(0, "slept"))
print(mainspring.run(main))
""",
    "5": """
from step5_asyncio import Prices, mainspring
from mainspring import await_
service = Prices(backend)
def main():
    await_(service.price({"item": "pear"}))
    return await_(service.get("apple", 60)), await_(asyncio.sleep(0, "slept"))
print(mainspring.run(main))
""",
}


@pytest.fixture
def backend() -> Iterator[Backend]:
    """The backend."""
    with Backend() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.release.set()
        server.gate.abort()
        server.shutdown()
        thread.join()


@pytest.fixture(params=STEPS)
def service(request: pytest.FixtureRequest, backend: Backend) -> Iterator[Service]:
    """The service at each step; at its end it must leave nothing, and say nothing."""
    step: Step = STEPS[request.param]
    step.skip_if_missing()
    running = Service(step, backend.port)
    try:
        yield running
    except BaseException:
        running.process.kill()
        raise
    if running.process.returncode is None:
        backend.release.set()
        assert running.end(signal.SIGTERM) == (0, "", "")


@pytest.fixture
def ask(service: Service) -> Iterator[Callable[[str], Future]]:
    """Sends a request in a thread of its own; returns the future of the answer."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield lambda path: pool.submit(service.get, path)


def test_a_price_comes_from_the_backend_once(service, backend):
    for _ in range(2):
        assert service.get("/price?item=apple") == (200, {"item": "apple", "price": 120})
    assert backend.asked["apple"] == 1
    assert service.get("/stats") == (200, {"known": ["apple"], "changes": 0})


def test_requests_wait_for_the_backend_side_by_side(ask, backend):
    backend.gate = threading.Barrier(SIDE_BY_SIDE)
    answers = [ask(f"/price?item=gate{number}&patience=60") for number in range(SIDE_BY_SIDE)]
    assert [answer.result(PATIENCE)[0] for answer in answers] == [200] * SIDE_BY_SIDE


def test_those_who_want_the_same_price_wait_for_one_question(ask, backend):
    answers = [ask("/price?item=held&patience=60") for _ in range(SIDE_BY_SIDE)]
    assert backend.is_asked.wait(PATIENCE)
    backend.release.set()
    expected = (200, {"item": "held", "price": 7})
    assert [answer.result(PATIENCE) for answer in answers] == [expected] * SIDE_BY_SIDE
    assert backend.asked["held"] == 1


def test_a_total_asks_for_four_prices_at_once(service, backend):
    backend.gate = threading.Barrier(4)
    items = ",".join(f"gate{number}" for number in range(8))
    assert service.get(f"/total?items={items}&patience=60") == (200, {"total": 8})


def test_a_backend_that_does_not_answer_is_a_timeout_and_is_left(service, backend):
    status, answer = service.get("/price?item=never&patience=0.05")
    assert (status, answer) == (504, {"error": "no price of 'never' in 0.05 s"})
    assert backend.has_left.wait(PATIENCE)
    backend.prices["never"] = 1
    assert service.get("/price?item=never") == (200, {"item": "never", "price": 1})


def test_the_background_job_runs_while_requests_wait(service, ask, backend):
    assert service.get("/price?item=apple")[1]["price"] == 120
    waiting = ask("/price?item=held&patience=60")
    assert backend.is_asked.wait(PATIENCE)
    backend.change("apple", 130)
    assert service.get("/stats") == (200, {"known": [], "changes": 1})
    assert service.get("/price?item=apple")[1]["price"] == 130
    backend.release.set()
    assert waiting.result(PATIENCE)[0] == 200


def test_what_cannot_be_answered_is_refused(service):
    refused = {
        "/price": (400, "item is missing"),
        "/price?item=apple&patience=long": (400, "patience is a number of seconds"),
        "/price?item=stone": (404, "nobody sells 'stone'"),
        "/cost": (404, "no such page"),
    }
    got = {path: service.get(path) for path in refused}
    assert got == {path: (code, {"error": text}) for path, (code, text) in refused.items()}


def test_a_signal_ends_the_service_when_it_has_answered(service, ask, backend):
    assert service.get("/price?item=apple")[0] == 200
    assert backend.follows.wait(PATIENCE)
    waiting = ask("/price?item=held&patience=60")
    assert backend.is_asked.wait(PATIENCE)
    service.process.send_signal(signal.SIGTERM)
    backend.release.set()
    assert waiting.result(PATIENCE) == (200, {"item": "held", "price": 7})
    assert service.finish() == (0, "", "")
    assert backend.ended.wait(PATIENCE)


def test_the_examples_own_backend_serves_a_step_and_tells_it_of_a_change():
    step = STEPS["3"]
    step.skip_if_missing()
    backend = subprocess.Popen(
        [sys.executable, *STRICT, str(PORTING / "backend.py"), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(backend.stdout.readline().removeprefix("listening on "))
        service = Service(step, port)
        follows = backend.stdout.readline()
        before = service.get("/total?items=apple,pear,fig")
        print("apple 130", file=backend.stdin, flush=True)
        seen = backend.stdout.readline()
        after = service.get("/price?item=apple")
        assert service.end(signal.SIGTERM) == (0, "", "")
        output, errors = backend.communicate(timeout=PATIENCE)
    finally:
        backend.kill()
    assert before == (200, {"total": 245})
    assert (follows, seen) == ("a service follows\n", "seen apple\n")
    assert after == (200, {"item": "apple", "price": 130})
    assert (backend.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("name", BESIDE)
def test_green_functions_and_coroutines_wait_for_one_another_at_each_step(backend, name):
    step = STEPS[name]
    step.skip_if_missing()
    process = step.start(str(backend.port), program=HEAD + BESIDE[name])
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert (process.returncode, output, errors) == (0, "(120, 'slept')\n", "")
