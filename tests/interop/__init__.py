"""Real programs on the loop: servers, clients, databases, and other libraries' own test suites.

`make interop` runs it. Each test runs on asyncio's loop too, as the control.
"""
