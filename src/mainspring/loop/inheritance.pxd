cdef class Party:
    cdef Lending lending
    # What it says for itself, and what holds: the more urgent of that and of what it is lent.
    cdef signed char base
    cdef signed char level
    cdef signed char level_before
    cdef bint is_suspect
    cdef bint is_changed
    # How many loans it has at each level.
    cdef unsigned int[5] lent
    cdef list loans

    cdef int most_urgent(self) noexcept
    cdef int set_base(self, int level) except -1
    cdef int leave(self) except -1
    cdef int changed(self) except -1


cdef class Loan:
    cdef Party lender
    cdef Party borrower
    cdef bint is_of_a_lock
    # The level at which it is counted; -1 when it lends nothing.
    cdef signed char given

    cdef int terms(self) noexcept
    cpdef int end(self) except -1


cdef class Lending:
    cdef list changes
    cdef bint is_telling

    cdef Loan lend(self, Party lender, Party borrower, bint is_of_a_lock)
    cdef int raise_all(self, Party party) except -1
    cdef int lower_all(self, Party party) except -1
    cdef int note(self, Party party) except -1
    cdef int tell(self) except -1
