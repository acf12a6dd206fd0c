"""Timers of eventlet programs, and what becomes of the run when they fail, on each hub."""

from tests.compat.conftest import Run

RECORD = """
ran = []
def record(word):
    ran.append(word)
hub = current_hub()
"""


def test_timers_fire_in_the_order_of_their_times(run: Run) -> None:
    program = (
        RECORD
        + """
hub.schedule_call_global(0.02, record, "late")
hub.schedule_call_global(0.01, record, "soon")
hub.schedule_call_global(-1, record, "past")
hub.schedule_call_global(0, record, "now")
eventlet.sleep(0.03)
say(*ran)
"""
    )
    assert run(program) == ["past now soon late"]


def test_a_timer_that_is_due_fires_before_one_that_was_added_when_it_was(run: Run) -> None:
    program = (
        RECORD
        + """
hub.schedule_call_global(0.01, record, "due")
patcher.original("time").sleep(0.02)
hub.schedule_call_global(0, record, "added")
eventlet.sleep(0)
say(*ran)
"""
    )
    assert run(program) == ["due added"]


def test_a_timer_that_a_timer_adds_waits_for_the_next_iteration(run: Run) -> None:
    program = (
        RECORD
        + """
def first():
    record("first")
    hub.schedule_call_global(0, record, "third")
hub.schedule_call_global(0, first)
hub.schedule_call_global(0, record, "second")
eventlet.sleep(0)
record("slept")
eventlet.sleep(0)
say(*ran)
"""
    )
    assert run(program) == ["first second slept third"]


def test_a_cancelled_timer_does_not_fire_and_a_local_one_ends_with_its_green_thread(
    run: Run,
) -> None:
    program = (
        RECORD
        + """
hub.schedule_call_global(0, record, "cancelled").cancel()
eventlet.spawn(hub.schedule_call_local, 0.001, record, "local")
eventlet.spawn(hub.schedule_call_global, 0.001, record, "global")
eventlet.sleep(0.01)
say(*ran)
"""
    )
    assert run(program) == ["global"]


def test_a_timer_may_be_scheduled_again(run: Run) -> None:
    program = (
        RECORD
        + """
def again():
    record("ran")
    if len(ran) < 3:
        copy.copy().schedule()
timer = hub.schedule_call_global(0, again)
copy = timer.copy()
for _ in range(3):
    eventlet.sleep(0)
say(*ran, hub.get_timers_count())
"""
    )
    assert run(program) == ["ran ran ran 0"]


def test_what_a_callback_raises_is_printed_and_the_loop_goes_on(run: Run) -> None:
    program = (
        RECORD
        + """
hub.schedule_call_global(0, lambda: 1 // 0)
hub.schedule_call_global(0, record, "next")
eventlet.sleep(0)
say(*ran)
"""
    )
    assert run(program, errors="ZeroDivisionError") == ["next"]


def test_nothing_is_printed_when_eventlet_is_told_not_to(run: Run) -> None:
    program = """
eventlet.debug.hub_exceptions(False)
current_hub().schedule_call_global(0, lambda: 1 // 0)
eventlet.sleep(0)
"""
    assert run(program) == []


def test_an_error_that_is_no_exception_class_of_the_application_does_not_end_the_run(
    run: Run,
) -> None:
    program = """
def give_up():
    raise eventlet.Timeout(None)
current_hub().schedule_call_global(0, give_up)
eventlet.sleep(0)
say("on")
"""
    assert run(program, errors="Timeout") == ["on"]


def test_an_interrupt_is_raised_in_the_main_green_thread_and_the_rest_goes_on(run: Run) -> None:
    program = (
        RECORD
        + """
def interrupt(error):
    raise error
for error in KeyboardInterrupt(), SystemExit(3):
    hub.schedule_call_global(0, interrupt, error)
    eventlet.spawn_n(record, "rest")
    try:
        eventlet.sleep(60)
    except BaseException as exc:
        say(repr(exc), hub.running)
    eventlet.sleep(0)
    say(*ran, hub.running)
"""
    )
    assert run(program) == [
        "KeyboardInterrupt() False",
        "rest True",
        "SystemExit(3) False",
        "rest rest True",
    ]


def test_an_interrupt_of_a_green_thread_ends_the_run_too(run: Run) -> None:
    program = """
def stop():
    raise SystemExit(7)
eventlet.spawn(stop)
eventlet.sleep(60)
"""
    assert run(program, code=7) == []


def test_a_signal_interrupts_a_hub_that_sleeps(run: Run) -> None:
    program = """
eventlet.sleep(0)
main = threading.main_thread().ident
threading.Timer(0.01, signal.pthread_kill, (main, signal.SIGINT)).start()
try:
    eventlet.sleep(60)
except KeyboardInterrupt:
    say("interrupted")
"""
    assert run(program) == ["interrupted"]


def test_a_signal_handler_wakes_a_green_thread_while_the_hub_sleeps(run_ours: Run) -> None:
    # Eventlet's own hubs go on sleeping until a timer or an fd wakes them.
    program = """
eventlet.sleep(0)
event = eventlet.Event()
signal.signal(signal.SIGUSR1, lambda number, frame: event.send(number))
main = threading.main_thread().ident
threading.Timer(0.01, signal.pthread_kill, (main, signal.SIGUSR1)).start()
say(event.wait() == signal.SIGUSR1)
"""
    assert run_ours(program) == ["True"]


def test_the_hub_does_not_run_twice(run: Run) -> None:
    program = """
eventlet.sleep(0)
try:
    current_hub().run()
except RuntimeError as exc:
    say(exc)
"""
    assert run(program) == ["Already running!"]


def test_abort_ends_the_run_and_forgets_the_timers(run: Run) -> None:
    program = (
        RECORD
        + """
eventlet.sleep(0)
hub.schedule_call_global(0.001, record, "forgotten")
hub.abort(wait=True)
say(hub.running, hub.get_timers_count())
eventlet.sleep(0.01)
say(hub.running, ran)
"""
    )
    assert run(program) == ["False 0", "True []"]


def test_nobody_may_wait_in_the_hub_itself(run: Run) -> None:
    program = """
def wait():
    eventlet.sleep(0)
    try:
        eventlet.sleep(1)
    except RuntimeError as exc:
        say(exc)
current_hub().schedule_call_global(0, wait)
eventlet.sleep(0)
"""
    assert run(program) == ["do not call blocking functions from the mainloop"]


def test_a_callback_that_blocks_is_found(run: Run) -> None:
    program = """
import itertools
eventlet.debug.hub_blocking_detection(True, resolution=0.05)
def block():
    for _ in itertools.repeat(None):
        pass
blocking = eventlet.spawn(block)
try:
    blocking.wait()
except RuntimeError as exc:
    say(str(exc)[:25])
eventlet.debug.hub_blocking_detection(False)
"""
    assert run(program, errors="ALARMED") == ["Blocking detector ALARMED"]


def test_the_timers_can_be_listed(run: Run) -> None:
    program = """
current_hub().schedule_call_global(60, print, "later")
current_hub().schedule_call_global(30, print, "sooner")
eventlet.sleep(0)
text = eventlet.debug.format_hub_timers()
say(0 < text.index("sooner") < text.index("later"), current_hub().get_timers_count())
"""
    assert run(program) == ["True 2"]
