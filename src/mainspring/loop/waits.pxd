cdef extern from "Python.h":
    ctypedef struct PyFrameObject
    object PyFrame_GetVarString(PyFrameObject* frame, const char* name)

cdef extern from "waits.h":
    object first_callback_of_code(object future, object code)


cdef list targets_of_wait(object task, object future)
cdef object target_of_shield(object future)
