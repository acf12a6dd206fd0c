# Compiled because it runs once a task; its functions are methods of Loop.
cdef bint factory_takes_all
cdef dict future_names, task_names
