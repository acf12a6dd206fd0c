"""The names of reply and fanout queues: random, or the same again after a restart."""

import os
import subprocess
import sys
import uuid

import pytest

from mainspring.messaging.rabbit.names import QueueNames
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.rabbit.topology import Topology
from mainspring.messaging.target import Target


@pytest.fixture
def options():
    """Options with a program that no other test has."""
    return Options(use_queue_manager=True, hostname="host", processname=f"t{uuid.uuid4().hex}")


@pytest.fixture
def names(options):
    made = QueueNames(options)
    yield made
    made.close()


def numbers(*taken):
    return [int(name.rpartition(":")[2]) for name in taken]


def test_without_a_queue_manager_names_are_random():
    names = QueueNames(Options())
    assert len(names.take()) == 32
    assert names.take() != names.take()
    names.give_back(names.take())


def test_names_have_host_program_and_the_lowest_number_that_is_free(names, options):
    assert names.take() == f"host:{options.processname}:1"
    second = names.take()
    assert numbers(second, names.take()) == [2, 3]
    names.give_back(second)
    assert numbers(names.take()) == [2]


def test_the_defaults_are_this_machine_and_this_program(monkeypatch):
    program = f"t{uuid.uuid4().hex}"
    monkeypatch.setattr(sys, "argv", [f"/usr/bin/{program}", "--option"])
    names = QueueNames(Options(use_queue_manager=True))
    assert names.take() == f"{os.uname().nodename}:{program}:1"
    names.close()


def test_two_transports_of_a_process_never_have_the_same_name(names, options):
    other = QueueNames(options)
    assert numbers(names.take(), other.take(), names.take()) == [1, 2, 3]
    other.close()
    assert numbers(names.take()) == [2]


def test_a_process_that_was_killed_has_given_its_names_back(names, options):
    program = (
        "import sys\n"
        "from mainspring.messaging.rabbit.names import QueueNames\n"
        "from mainspring.messaging.rabbit.options import Options\n"
        "names = QueueNames(Options(use_queue_manager=True, hostname='host',"
        " processname=sys.argv[1]))\n"
        "print(names.take(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, options.processname]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert numbers(other.stdout.readline().strip()) == [1]
        assert numbers(names.take()) == [2]
        other.kill()
    assert numbers(names.take()) == [1]


def test_a_program_with_slashes_in_its_name_stays_in_its_folder(options):
    names = QueueNames(Options(use_queue_manager=True, hostname="../host", processname="a/b c"))
    assert names.take() == "../host:a/b c:1"
    names.close()


def test_queues_with_such_names_stay_when_their_owner_leaves(options):
    topology = Topology(options)
    assert not topology.reply_queue("reply_host:program:1").own
    queues = topology.queues_of_server(Target(topic="t", server="s"), "host:program:2")
    assert queues[-1].name == "t_fanout_host:program:2"
    assert not any(queue.own for queue in queues)
    assert Topology(Options()).reply_queue("reply_1").own
