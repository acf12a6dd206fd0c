# A level is a priority counted from zero: the index of a ring of the run queue and of its bit.

cdef enum Level:
    URGENT_LEVEL = 0
    HIGH_LEVEL = 1
    DEFAULT_LEVEL = 2
    LOW_LEVEL = 3
    IDLE_LEVEL = 4
    LEVELS = 5
