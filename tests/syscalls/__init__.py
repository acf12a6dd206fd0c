"""Faults at the system's calls: a library that stands before libc's has them fail as they may.

`interpose.c` is preloaded into a child process (`child.py`), whose scenarios move data through each
kind of transport with calls that are interrupted, do less than they were asked to, or find nothing
although the poller said so; and with each call in turn failing for good.
"""
