"""What eventlet's and gevent's words are here: snippets in both, as the guides' tables have them.

Each is the body of a function that ends with `return`; all of one side run in one process.
"""

# Of each: what it is called in the tables, the old words, the new ones.
EVENTLET = {
    "spawn": (
        "return eventlet.spawn(pow, 2, 5).wait()",
        "return spawn(pow, 2, 5).wait()",
    ),
    "spawn_after": (
        """
later = eventlet.spawn_after(0.001, pow, 2, 5)
never = eventlet.spawn_after(60, say, "never")
never.cancel()
return later.wait()""",
        """
later = spawn_later(0.001, pow, 2, 5)
never = spawn_later(60, say, "never")
never.kill()
return later.wait()""",
    ),
    "link": (
        """
thread = eventlet.spawn(pow, 2, 5)
thread.link(lambda thread, word: say(word, thread.wait()), "ended")
thread.wait(); eventlet.sleep(0)
return say()""",
        """
thread = spawn(pow, 2, 5)
thread.link(lambda thread: say("ended", thread.result()))
thread.wait(); sleep(0)
return say()""",
    ),
    "GreenPool": (
        """
pool = eventlet.GreenPool(2)
for word in "ab": pool.spawn_n(say, word)
pool.waitall()
return say(), pool.free(), pool.running(), list(pool.imap(pow, [2, 3], [5, 2])), \
    list(pool.starmap(pow, [(2, 5), (3, 2)]))""",
        """
pool = Pool(2)
for word in "ab": pool.spawn(say, word)
pool.join()
return say(), pool.free_count(), len(pool), list(pool.imap(pow, [2, 3], [5, 2])), \
    list(pool.imap(pow, *zip(*[(2, 5), (3, 2)])))""",
    ),
    "GreenPile": (
        """
pile = eventlet.GreenPile(2)
for number in range(3): pile.spawn(pow, number, 2)
return list(pile)""",
        """
pool = Pool(2)
threads = [pool.spawn(pow, number, 2) for number in range(3)]
return [thread.get() for thread in threads]""",
    ),
    "Event": (
        """
event = eventlet.Event()
eventlet.spawn(event.send, 7)
return event.wait(), event.ready()""",
        """
event = sync.AsyncResult()
spawn(event.set, 7)
return await_(event.get()), event.ready()""",
    ),
    "Event's exception": (
        """
event = eventlet.Event()
event.send_exception(KeyError(7))
try: event.wait()
except KeyError as exc: return exc.args""",
        """
event = sync.AsyncResult()
event.set_exception(KeyError(7))
try: await_(event.get())
except KeyError as exc: return exc.args""",
    ),
    "Semaphore": (
        """
semaphore = eventlet.Semaphore(2)
with semaphore:
    return semaphore.acquire(), semaphore.locked()""",
        """
semaphore = sync.Semaphore(2)
with semaphore:
    return await_(semaphore.acquire()), semaphore.locked()""",
    ),
    "Queue": (
        """
queue = eventlet.Queue(1)
eventlet.spawn(queue.put, 7)
first = queue.get()
try: queue.get(timeout=0.001)
except eventlet.queue.Empty: return first, queue.empty()""",
        """
queue = Queue(1)
spawn(queue.put, 7)
first = queue.get()
try: queue.get(timeout=0.001)
except Empty: return first, queue.empty()""",
    ),
    "Timeout": (
        """
try:
    with eventlet.Timeout(0.001): eventlet.sleep(60)
except eventlet.Timeout: say("timed out")
with eventlet.Timeout(0.001, False): eventlet.sleep(60)
timeout = eventlet.Timeout(60)
timeout.cancel()
try:
    with eventlet.Timeout(0.001, LookupError): eventlet.sleep(60)
except LookupError: say("its own")
return say(), eventlet.with_timeout(0.001, eventlet.sleep, 60, timeout_value=7), \
    issubclass(eventlet.Timeout, Exception)""",
        """
try:
    with Timeout(0.001): sleep(60)
except Timeout: say("timed out")
with Timeout(0.001, False): sleep(60)
timeout = Timeout.start_new(60)
timeout.cancel()
try:
    with Timeout(0.001, LookupError): sleep(60)
except LookupError: say("its own")
return say(), with_timeout(0.001, sleep, 60, timeout_value=7), issubclass(Timeout, Exception)""",
    ),
    "tpool": (
        """
from eventlet import tpool
result = tpool.execute(pow, 2, 5)
tpool.killall()
return result""",
        "return await_(asyncio.to_thread(pow, 2, 5))",
    ),
    "corolocal": (
        """
from eventlet.corolocal import local
mine = local(); mine.name = "here"
return eventlet.spawn(hasattr, mine, "name").wait(), mine.name""",
        """
mine = local(); mine.name = "here"
return spawn(hasattr, mine, "name").wait(), mine.name""",
    ),
    "hubs": (
        """
hub = eventlet.hubs.get_hub()
ours, theirs = socketpair()
with ours, theirs:
    hub.schedule_call_global(0, theirs.send, b"x")
    eventlet.hubs.trampoline(ours, read=True)
    return ours.recv(1)""",
        """
loop = asyncio.get_running_loop()
ours, theirs = socketpair()
with ours, theirs:
    loop.call_later(0, theirs.send, b"x")
    select.select([ours], [], [])
    return ours.recv(1)""",
    ),
    "patcher": (
        """
from eventlet import patcher
return patcher.is_monkey_patched("socket"), patcher.original("time").__name__""",
        'return patch.is_patched("socket"), patch.original("time").__name__',
    ),
    "serve": (
        """
listener = eventlet.listen(("127.0.0.1", 0))
serving = eventlet.spawn(eventlet.serve, listener, lambda sock, address: sock.sendall(b"hello"))
with eventlet.connect(listener.getsockname()) as client: answer = client.recv(9)
serving.kill()
return answer""",
        """
listener = listen(("127.0.0.1", 0))
serving = spawn(StreamServer(listener, lambda sock, address: sock.sendall(b"hello")).serve_forever)
with socket.create_connection(listener.getsockname()) as client: answer = client.recv(9)
serving.kill()
return answer""",
    ),
}
GEVENT = {
    "spawn": (
        """
thread = gevent.spawn(pow, 2, 5)
thread.join()
return thread.get(), thread.value, thread.successful(), thread.ready(), thread.dead""",
        """
thread = spawn(pow, 2, 5)
thread.join()
return thread.get(), thread.value, thread.successful(), thread.ready(), thread.dead""",
    ),
    "start": (
        """
thread = gevent.Greenlet(pow, 2, 5)
thread.start()
return thread.get()""",
        "return spawn(pow, 2, 5).get()",
    ),
    "exception": (
        """
gevent.get_hub().exception_stream = None
thread = gevent.spawn(int, "x")
thread.join()
return type(thread.exception).__name__""",
        """
thread = spawn(int, "x")
thread.join()
return type(thread.exception()).__name__""",
    ),
    "spawn_later": (
        """
never = gevent.spawn_later(60, say, "never")
never.kill()
return gevent.spawn_later(0.001, pow, 2, 5).get(), say()""",
        """
never = spawn_later(60, say, "never")
never.kill()
return spawn_later(0.001, pow, 2, 5).get(), say()""",
    ),
    "joinall": (
        """
threads = [gevent.spawn(gevent.sleep, 0), gevent.spawn(gevent.sleep, 60)]
ended = gevent.wait(threads, count=1)
first = ended == threads[:1] and gevent.joinall(threads, timeout=0.001) == threads[:1]
gevent.killall(threads)
return first, [thread.dead for thread in threads]""",
        """
threads = [spawn(sleep, 0), spawn(sleep, 60)]
ended = wait(threads, count=1)
first = ended == threads[:1] and joinall(threads, timeout=0.001) == threads[:1]
killall(threads)
return first, [thread.dead for thread in threads]""",
    ),
    "Pool": (
        """
pool = gevent.pool.Pool(2)
results = pool.map(str, range(3)), list(pool.imap(pow, [2, 3], [5, 2])), \
    sorted(pool.imap_unordered(str, range(3))), pool.apply(pow, (2, 5)), pool.free_count()
pool.spawn(say, "x"); pool.join()
return results, say(), len(pool), len(gevent.pool.Group())""",
        """
pool = Pool(2)
results = pool.map(str, range(3)), list(pool.imap(pow, [2, 3], [5, 2])), \
    sorted(pool.imap_unordered(str, range(3))), pool.apply(pow, (2, 5)), pool.free_count()
pool.spawn(say, "x"); pool.join()
return results, say(), len(pool), len(Group())""",
    ),
    "AsyncResult": (
        """
result = gevent.event.AsyncResult()
gevent.spawn(result.set, 7)
return result.get(), result.ready(), result.successful()""",
        """
result = sync.AsyncResult()
spawn(result.set, 7)
return await_(result.get()), result.ready(), result.successful()""",
    ),
    "Event": (
        """
event = gevent.event.Event()
gevent.spawn(event.set)
event.wait()
return event.is_set()""",
        """
event = sync.Event()
spawn(event.set)
await_(event.wait())
return event.is_set()""",
    ),
    "Event with a timeout": (
        "return gevent.event.Event().wait(0.001)",
        """
event = threading.Event()
return event.wait(0.001)""",
    ),
    "Queue": (
        """
queue = gevent.queue.JoinableQueue(1)
gevent.spawn(queue.put, 7)
first = queue.get(); queue.task_done(); queue.join()
try: queue.get(timeout=0.001)
except gevent.queue.Empty: return first, queue.empty()""",
        """
queue = Queue(1)
spawn(queue.put, 7)
first = queue.get(); queue.task_done(); queue.join()
try: queue.get(timeout=0.001)
except Empty: return first, queue.empty()""",
    ),
    "Timeout": (
        """
try:
    with gevent.Timeout(0.001): gevent.sleep(60)
except gevent.Timeout: say("timed out")
with gevent.Timeout(0.001, False): gevent.sleep(60)
timeout = gevent.Timeout.start_new(60); timeout.close()
return say(), gevent.with_timeout(0.001, gevent.sleep, 60, timeout_value=7), \
    issubclass(gevent.Timeout, Exception)""",
        """
try:
    with Timeout(0.001): sleep(60)
except Timeout: say("timed out")
with Timeout(0.001, False): sleep(60)
timeout = Timeout.start_new(60); timeout.close()
return say(), with_timeout(0.001, sleep, 60, timeout_value=7), issubclass(Timeout, Exception)""",
    ),
    "lock": (
        """
lock = gevent.lock.RLock()
with lock, lock: pass
semaphore = gevent.lock.BoundedSemaphore(1)
with semaphore: locked = semaphore.locked()
try: semaphore.release()
except ValueError: return locked""",
        """
lock = sync.RLock()
with lock, lock: pass
semaphore = sync.BoundedSemaphore(1)
with semaphore: locked = semaphore.locked()
try: semaphore.release()
except ValueError: return locked""",
    ),
    "local": (
        """
mine = gevent.local.local(); mine.name = "here"
return gevent.spawn(hasattr, mine, "name").get(), mine.name""",
        """
mine = local(); mine.name = "here"
return spawn(hasattr, mine, "name").get(), mine.name""",
    ),
    "threadpool": (
        "return gevent.get_hub().threadpool.apply(pow, (2, 5))",
        "return await_(asyncio.to_thread(pow, 2, 5))",
    ),
    "signal": (
        """
caught = gevent.event.Event()
handler = gevent.signal_handler(signal.SIGUSR1, caught.set)
os.kill(os.getpid(), signal.SIGUSR1)
caught.wait(); handler.cancel()
return caught.is_set()""",
        """
caught, loop = sync.Event(), asyncio.get_running_loop()
loop.add_signal_handler(signal.SIGUSR1, caught.set)
os.kill(os.getpid(), signal.SIGUSR1)
await_(caught.wait()); loop.remove_signal_handler(signal.SIGUSR1)
return caught.is_set()""",
    ),
    "monkey": (
        """
from gevent import monkey
return monkey.is_module_patched("socket"), callable(monkey.get_original("time", "sleep"))""",
        'return patch.is_patched("socket"), callable(patch.original("time").sleep)',
    ),
    "StreamServer": (
        """
server = gevent.server.StreamServer(("127.0.0.1", 0), lambda sock, address: sock.sendall(b"hello"))
server.start()
with socket.create_connection(server.address) as client: answer = client.recv(9)
server.stop()
return answer, server.started""",
        """
server = StreamServer(("127.0.0.1", 0), lambda sock, address: sock.sendall(b"hello"))
server.start()
with socket.create_connection(server.address) as client: answer = client.recv(9)
server.stop()
return answer, server.started""",
    ),
    "wait_read": (
        """
ours, theirs = socketpair()
with ours, theirs:
    theirs.send(b"x")
    gevent.socket.wait_read(ours.fileno())
    return ours.recv(1)""",
        """
ours, theirs = socketpair()
with ours, theirs:
    theirs.send(b"x")
    select.select([ours], [], [])
    return ours.recv(1)""",
    ),
}
# What differs: the old words and the new ones, and what comes of each.
DIFFERENT = {
    "eventlet": {
        "who waits for what was killed": (
            """
thread = eventlet.spawn(eventlet.sleep, 60); eventlet.sleep(0); thread.kill()
try: thread.wait()
except BaseException as exc: return type(exc).__module__, type(exc).__name__""",
            """
thread = spawn(sleep, 60); sleep(0); thread.kill()
try: thread.wait()
except asyncio.CancelledError as exc: return isinstance(exc, greenlet.GreenletExit)""",
            "('greenlet', 'GreenletExit')",
            "True",
        ),
        "a timeout begins": (
            """
timeout = eventlet.Timeout(60)
try: return timeout.pending
finally: timeout.cancel()""",
            "return Timeout(60).pending",
            "True",
            "False",
        ),
        "imap reads ahead": (
            "return next(eventlet.GreenPool(2).imap(abs, count_to(9))), say()",
            "return next(Pool(2).imap(abs, count_to(9))), say()[-1]",
            "(0, ['0', '1', '2'])",
            "(0, '8')",
        ),
        "a queue of size 0": (
            """
queue = eventlet.Queue(0)
try: queue.put(7, timeout=0.001)
except eventlet.queue.Full: return "full\"""",
            """
queue = Queue(0)
queue.put(7, timeout=0.001)
return queue.get()""",
            "full",
            "7",
        ),
        "a context variable of the spawner": (
            """
variable.set("spawner's")
return eventlet.spawn(variable.get, "none").wait()""",
            """
variable.set("spawner's")
return spawn(variable.get, "none").wait()""",
            "none",
            "spawner's",
        ),
    },
    "gevent": {
        "who gets the result of what was killed": (
            """
thread = gevent.spawn(gevent.sleep, 60); gevent.sleep(0); thread.kill()
return type(thread.get()).__name__, thread.successful()""",
            """
thread = spawn(sleep, 60); sleep(0); thread.kill()
try: thread.get()
except asyncio.CancelledError as exc: return type(exc).__name__, thread.successful()""",
            "('GreenletExit', True)",
            "('GreenletExit', False)",
        ),
        "get with a timeout": (
            """
thread = gevent.spawn(gevent.sleep, 60)
try: thread.get(timeout=0.001)
except gevent.Timeout as exc: return type(exc).__name__, isinstance(exc, TimeoutError)
finally: thread.kill()""",
            """
thread = spawn(sleep, 60)
try: thread.get(timeout=0.001)
except TimeoutError as exc: return type(exc).__name__
finally: thread.kill()""",
            "('Timeout', False)",
            "TimeoutError",
        ),
        "nobody is left": (
            """
try: gevent.event.Event().wait()
except gevent.exceptions.LoopExit: return "LoopExit\"""",
            """
with Timeout(0.001, False): await_(sync.Event().wait())
return "waits\"""",
            "LoopExit",
            "waits",
        ),
        "imap reads ahead": (
            "return next(gevent.pool.Pool(2).imap(abs, count_to(9))), len(say()) < 9",
            "return next(Pool(2).imap(abs, count_to(9))), len(say()) < 9",
            "(0, True)",
            "(0, False)",
        ),
        "a context variable of the spawner": (
            """
variable.set("spawner's")
return gevent.spawn(variable.get, "none").get()""",
            """
variable.set("spawner's")
return spawn(variable.get, "none").get()""",
            "none",
            "spawner's",
        ),
    },
}
