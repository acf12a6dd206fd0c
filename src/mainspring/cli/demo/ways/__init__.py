"""One file per way. Each registers itself; the registry imports all that lie here.

Invariant: importing a file here needs nothing beyond the standard library, so that a way
whose library is missing can still be listed with the reason.
"""
