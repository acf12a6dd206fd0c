# The one way to do anything here. Each target first prepares what it needs (tools/env.py: uv, an
# interpreter, a virtual environment, the compiled modules), so a fresh clone needs only python3,
# a C compiler and a package index. `PYTHON=3.12 make test` uses another interpreter; ARGS
# goes to the program that a target runs: `make test TESTS=tests/core ARGS="-k timer"`.

ENV := python3 tools/env.py
LOOP ?= mainspring:new_event_loop
ARGS ?=
TESTS ?= tests
# Suites that take long, or that need more than this project: they have targets of their own.
LONG_SUITES := tests/conformance tests/interop tests/latency tests/faults
SMOKE_SUITES := $(wildcard tests/core tests/loop tests/sync tests/cli/test_*.py tests/house)

.DEFAULT_GOAL := help
.PHONY: help build demo test smoke lint format bench conformance patched-tests interop interop-suites services faults tsan asan docs clean distclean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  PYTHON=3.12 make ... uses another interpreter; ARGS="..." goes to the program that runs'

build:  ## compile the modules in place, with an editable install
	@$(ENV)

demo:  ## show what priorities do: a transfer beside busy work, on every kind of loop
	@$(ENV) extra:demo -- mainspring demo $(ARGS)

test:  ## run the tests
	@$(ENV) test extra:demo extra:messaging extra:nats extra:rabbit extra:wsgi -- python -m pytest $(TESTS) $(addprefix --ignore=,$(LONG_SUITES)) $(ARGS)

smoke:  ## run the few tests that show at once whether a build works
	@$(ENV) test -- python -m pytest $(SMOKE_SUITES) $(ARGS)

lint:  ## check the format, the style, the types, and that everything compiles without a warning
	@$(ENV) lint test extra:messaging extra:nats extra:rabbit extra:wsgi -- python tools/lint.py

format:  ## format the code
	@$(ENV) lint -- ruff format .
	@$(ENV) lint -- ruff check --fix .

bench:  ## measure, and write a report into benchmarks/results
	@$(ENV) bench -- python -m benchmarks report $(ARGS)

# Other loops than asyncio's and ours come with the benchmarks.
conformance:  ## run CPython's own asyncio tests on a loop (LOOP=module:factory)
	@$(ENV) test $(if $(filter asyncio% mainspring%,$(LOOP)),,bench) -- python -m tests.conformance --loop $(LOOP) $(ARGS)

patched-tests:  ## run CPython's own tests of the patched modules, in green threads
	@$(ENV) test -- python -W ignore -m tests.conformance.patched $(ARGS)

interop:  ## run servers, clients and databases on the loop, as they are
	@$(ENV) test interop extra:messaging extra:nats extra:rabbit extra:wsgi -- python -m pytest tests/interop -v $(ARGS)

interop-suites:  ## run the own tests of anyio, aiohttp, eventlet, gevent and Twisted on their loop and on ours
	@$(ENV) test -- python -m tests.interop.suites $(ARGS)

tsan:  ## look for data races between the gate's threads (needs gcc's libtsan)
	@$(ENV) -- python tools/sanitizers.py threads

asan:  ## run tests with checked memory and without undefined behaviour (needs gcc's libasan)
	@$(ENV) test extra:messaging extra:nats extra:rabbit extra:wsgi -- python tools/sanitizers.py memory $(ARGS)

services:  ## run RabbitMQ and NATS (from Debian's archive) until Ctrl-C; ARGS="-- command" runs one beside them
	@$(ENV) test -- python -m tests.services $(ARGS)

faults:  ## break brokers, networks and processes under the messaging layer, and count what is lost
	@$(ENV) test extra:messaging extra:nats extra:rabbit -- python -m pytest tests/faults -v $(ARGS)

# The theme announces at length that it won't follow mkdocs to 2; pyproject.toml stays below 2.
docs:  ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(ENV) docs -- mkdocs build --strict

clean:  ## remove what was built, but keep the virtual environments
	@python3 tools/clean.py

distclean:  ## remove the virtual environments and the tools too
	@python3 tools/clean.py --all
