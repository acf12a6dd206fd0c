"""Programs under `patch.all()` that use what goes wrong under patching elsewhere."""

from pathlib import Path

from tests.green.patching.helpers import lines_of
from tests.loop.helpers import run_program


def test_results_of_executors_reach_coroutines_and_green_threads():
    assert lines_of(
        """
        import asyncio, threading
        async def ask():
            loop = asyncio.get_running_loop()
            name = await asyncio.to_thread(lambda: threading.current_thread().name)
            return name[:7], await loop.run_in_executor(None, pow, 2, 3)
        def main():
            print(mainspring.await_(ask()))
            print(mainspring.spawn(lambda: mainspring.await_(asyncio.to_thread(pow, 2, 4))).get())
        """
    ) == ["('asyncio', 8)", "16"]


def test_a_host_is_looked_up_from_a_green_thread_and_from_a_coroutine():
    assert lines_of(
        """
        import asyncio, socket
        def main():
            loop = asyncio.get_running_loop()
            found = socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
            print({each[4][1] for each in found})
            again = mainspring.await_(
                loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
            )
            print(again == found)
            print(socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4])
        """
    ) == ["{80}", "True", "('127.0.0.1', 80)"]


def test_a_pools_workers_are_os_threads_and_the_loop_goes_on_meanwhile():
    assert lines_of(
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        main_ident = mainspring.patch.original("threading").get_ident()
        may_end = threading.Event()
        def work():
            may_end.wait()
            return threading.get_ident() != main_ident
        def main():
            def use():
                with ThreadPoolExecutor(2) as pool:
                    print(pool.submit(work).result(), list(pool.map(pow, [1, 2], [2, 2])))
            user = mainspring.spawn(use)
            mainspring.sleep(0)
            may_end.set()
            user.join()
        """
    ) == ["True [1, 4]"]


def test_a_queue_of_multiprocessing_passes_items():
    assert lines_of(
        """
        import multiprocessing
        context = multiprocessing.get_context("fork")
        def main():
            queue = context.Queue()
            queue.put("item")
            print(queue.get())
            child = context.Process(target=queue.put, args=("from the child",))
            child.start()
            print(queue.get())
            child.join()
            print(child.exitcode)
            queue.close()
            queue.join_thread()
        """,
        options=("-W", "ignore"),
    ) == ["item", "from the child", "0"]


def test_a_callback_logs_while_a_green_thread_holds_the_handlers_lock():
    assert (
        lines_of(
            """
        import asyncio
        def main():
            loop = asyncio.get_running_loop()
            called = loop.create_future()
            def call_back():
                logging.warning("from the callback")
                called.set_result(None)
            for handler in (early, logging.StreamHandler(sys.stdout)):
                logging.root.handlers[:] = [handler]
                called = loop.create_future()
                with handler.lock:
                    loop.call_soon(call_back)
                    mainspring.await_(called)
                    print("still held")
        """,
            before="""
        import logging, sys
        early = logging.StreamHandler(sys.stdout)
        logging.root.addHandler(early)
        """,
        )
        == ["from the callback", "still held"] * 2
    )


def test_records_of_green_threads_are_written_one_after_another():
    assert lines_of(
        """
        class Slow(logging.Handler):
            def emit(self, record):
                for part in record.getMessage().split():
                    print(part, end=" ")
                    mainspring.sleep(0)
                print()
        def main():
            logging.root.addHandler(Slow())
            threads = [mainspring.spawn(logging.warning, text) for text in ("a b c", "d e f")]
            for thread in threads:
                thread.join()
        """,
        before="import logging",
    ) == ["a b c ", "d e f "]


def test_an_import_that_waits_holds_up_only_who_imports_the_same(tmp_path):
    (tmp_path / "slow_module.py").write_text(
        "import mainspring\n"
        "print('importing')\n"
        "for _ in range(5):\n"
        "    mainspring.sleep(0)\n"
        "VALUE = 'imported'\n"
    )
    assert lines_of(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        def load():
            import slow_module
            return slow_module.VALUE
        def other():
            import colorsys
            return colorsys.__name__
        def main():
            first, another = mainspring.spawn(load), mainspring.spawn(other)
            print(another.get())
            print(first.get(), load())
        """
    ) == ["importing", "colorsys", "imported imported"]


def test_a_timer_calls_its_function_and_can_be_cancelled():
    assert lines_of(
        """
        import threading
        def main():
            called = threading.Event()
            timer = threading.Timer(0.001, called.set)
            timer.start()
            print(called.wait(), timer.join())
            never = threading.Timer(1000, print, ["never"])
            never.start()
            never.cancel()
            never.join()
            print(never.is_alive())
        """
    ) == ["True None", "False"]


def test_join_gives_up_when_the_time_is_over():
    assert lines_of(
        """
        import threading
        def main():
            may_end = threading.Event()
            thread = threading.Thread(target=may_end.wait)
            thread.start()
            thread.join(timeout=0.001)
            print(thread.is_alive())
            may_end.set()
            thread.join()
            print(thread.is_alive())
        """
    ) == ["True", "False"]


def test_the_interpreter_waits_for_os_threads_at_its_end():
    code, output, errors = run_program(
        "import mainspring\n"
        "mainspring.patch.all()\n"
        "import threading, time\n"
        "def work():\n"
        "    time.sleep(0.01)\n"
        "    print('worked')\n"
        "mainspring.run(lambda: None)\n"
        "threading.Thread(target=work).start()\n"
        "print('end of the program')"
    )
    assert (code, output, errors) == (0, "end of the program\nworked\n", "")


def test_green_threads_that_wait_at_the_end_of_the_program_are_no_hindrance():
    assert lines_of(
        """
        import threading
        def main():
            threading.Thread(target=threading.Event().wait).start()
            mainspring.sleep(0)
            print("end")
        """
    ) == ["end"]


def test_locks_from_before_are_shared_by_green_threads():
    assert lines_of(
        """
        def use(name):
            with rlock, lock:
                order.append(name)
                mainspring.sleep(0)
                order.append(name)
        def main():
            for thread in [mainspring.spawn(use, name) for name in "ab"]:
                thread.join()
            print(*order)
        """,
        before="""
        import threading
        rlock, lock, order = threading.RLock(), threading.Lock(), []
        """,
    ) == ["a a b b"]


def test_a_thread_of_a_queue_and_a_socket_in_one_program():
    assert lines_of(
        """
        import queue, socket, threading
        def main():
            jobs, (a, b) = queue.Queue(), socket.socketpair()
            def work():
                while (job := jobs.get()) is not None:
                    a.sendall(job)
                    jobs.task_done()
            worker = threading.Thread(target=work)
            worker.start()
            jobs.put(b"one ")
            jobs.put(b"two")
            jobs.join()
            print(b.recv(10))
            jobs.put(None)
            worker.join()
            a.close()
            b.close()
        """
    ) == ["b'one two'"]


def test_a_child_is_waited_for_while_others_run():
    assert lines_of(
        """
        import subprocess, sys
        def main():
            child = mainspring.spawn(
                subprocess.run,
                [sys.executable, "-c", "print(input())"],
                input="line",
                capture_output=True,
                text=True,
            )
            mainspring.sleep(0)
            print("others run")
            print(child.get().stdout.strip())
        """
    ) == ["others run", "line"]


def test_https_with_no_context_of_its_own_waits_greenly():
    chain = Path(__file__).parents[2] / "net" / "certificates" / "server.pem"
    assert lines_of(
        f"""
        import http.client, socket, ssl
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain({str(chain)!r})
        def serve(listener):
            sock, _ = listener.accept()
            with sock:
                try:
                    context.wrap_socket(sock, server_side=True)
                except ssl.SSLError:
                    print("the server is refused")
        def main():
            with socket.create_server(("127.0.0.1", 0)) as listener:
                server = mainspring.spawn(serve, listener)
                client = http.client.HTTPSConnection(*listener.getsockname())
                try:
                    client.request("GET", "/")
                except ssl.SSLCertVerificationError:
                    print("the certificate is unknown")
                client.close()
                server.get()
        """,
        # Without debug mode: to read the system's certificates takes a while, which it would tell.
        options=(),
    ) == ["the certificate is unknown", "the server is refused"]


def test_a_green_thread_that_counts_threads_counts_green_ones():
    assert lines_of(
        """
        import _thread, socket, threading
        def main():
            before = _thread._count()
            socket.getaddrinfo("localhost", 0)
            may_end = threading.Event()
            threading.Thread(target=may_end.wait).start()
            _thread.start_new_thread(may_end.wait, ())
            print(_thread._count() - before)
            may_end.set()
            while _thread._count() > before:
                mainspring.sleep(0)
            print("ended")
        """
    ) == ["2", "ended"]


def test_a_wait_for_a_child_looks_once_more_at_one_that_something_else_has_reaped():
    assert lines_of(
        """
        import os, subprocess, sys, unittest.mock
        def main():
            child = subprocess.Popen([sys.executable, "-c", ""])
            os.waitpid(child.pid, 0)
            with unittest.mock.patch("subprocess.os.waitpid", return_value=(child.pid, 7 << 8)):
                print(child.wait())
            gone = subprocess.Popen([sys.executable, "-c", ""])
            os.waitpid(gone.pid, 0)
            print(gone.wait())
        """
    ) == ["7", "0"]


def test_what_ends_a_thread_is_reported_as_by_the_interpreter():
    lines = lines_of(
        """
        import _thread, queue, sys
        told = queue.Queue()
        def task():
            raise ValueError("on purpose")
        def report(unraisable):
            culprit = unraisable.object is task
            told.put((unraisable.exc_type, unraisable.err_msg, culprit))
        sys.unraisablehook = report
        def start():
            _thread.start_new_thread(task, ())
            return told.get()
        in_a_green_thread = mainspring.run(start)
        print(in_a_green_thread == start(), in_a_green_thread[0])
        """
    )
    assert lines == ["True <class 'ValueError'>"]
