"""`local`: values of each task's own."""

import asyncio
import gc
import threading
import weakref

import pytest

from mainspring.green import await_, green, local, sleep, spawn


def test_what_one_green_thread_sets_no_other_sees(run):
    def main():
        own = local()
        own.value = "mine"

        def other():
            before = hasattr(own, "value")
            own.value = "other's"
            sleep(0)
            return before, own.value

        return spawn(other).get(), own.value

    assert run(main) == ((False, "other's"), "mine")


def test_a_task_has_the_same_values_in_green_and_in_coroutine_code(run):
    async def main():
        own = local()
        own.value = 1
        await green(setattr, own, "value", 2)
        return own.value, await asyncio.create_task(green(getattr, own, "value", "none"))

    assert run(main) == (2, "none")


def test_each_os_thread_has_values_of_its_own(run):
    own = local()
    own.value = "outside"
    seen = []
    thread = threading.Thread(target=lambda: seen.append(getattr(own, "value", "none")))
    thread.start()
    thread.join()
    assert seen == ["none"]
    assert run(lambda: getattr(own, "value", "none")) == "none"
    assert own.value == "outside"


def test_a_subclass_is_initialized_for_each_task(run):
    class Counter(local):
        def __init__(self, start):
            self.count = start

        def next(self):
            self.count += 1
            return self.count

    def main():
        counter = Counter(10)
        counter.next()
        return counter.next(), spawn(counter.next).get(), counter.count

    assert run(main) == (12, 11, 12)


def test_properties_and_class_attributes_work_as_ever(run):
    class Own(local):
        shared = "class"

        @property
        def double(self):
            return 2 * self.value

        @double.setter
        def double(self, value):
            self.value = value // 2

    def main():
        own = Own()
        own.double = 6
        shared = own.shared
        own.shared = "own"
        return own.value, own.double, shared, own.shared, own.__dict__

    assert run(main) == (3, 6, "class", "own", {"value": 3, "shared": "own"})


def test_a_missing_attribute_is_named(run):
    def main():
        own = local()
        with pytest.raises(AttributeError, match="'local' object has no attribute 'value'"):
            own.value  # noqa: B018
        with pytest.raises(AttributeError, match="no attribute 'value'"):
            del own.value
        own.value = 1
        del own.value
        return hasattr(own, "value")

    assert run(main) is False


def test_what_a_task_has_set_goes_with_it(run):
    class Thing:
        pass

    def main():
        own = local()
        refs = []

        def work():
            own.thing = Thing()
            refs.append(weakref.ref(own.thing))

        thread = spawn(work)
        thread.join()
        await_(asyncio.sleep(0))
        del thread
        gc.collect()
        return refs[0]()

    assert run(main) is None


def test_arguments_need_an_init(run):
    with pytest.raises(TypeError, match="takes arguments only if it has an __init__"):
        local(1)


def test_the_dictionary_itself_cannot_be_replaced(run):
    with pytest.raises(AttributeError, match="read-only"):
        local().__dict__ = {}
