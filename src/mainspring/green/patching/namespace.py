"""`second_module`: another module object on a module's namespace.

Patching changes what the attributes of a module object are, not its namespace; so a second object
on the same namespace shows the module as it was, at no cost, and never out of date.
"""

import types

import cython
from cython.cimports.mainspring.green.patching.namespace import PyObject_GenericSetDict

__all__ = ["second_module"]


def second_module(module):
    second = types.ModuleType(module.__name__)
    PyObject_GenericSetDict(second, module.__dict__, cython.NULL)
    return second
