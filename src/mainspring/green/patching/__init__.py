"""Patching: the stdlib's modules wait greenly where a green thread calls them.

`mainspring.patch` has the public names.
"""
