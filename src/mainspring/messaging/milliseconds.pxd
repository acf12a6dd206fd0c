cpdef long long remaining(double deadline, double now) noexcept
cpdef long long expiry(long long left, object wall=*) except? -1
cpdef double arrival(object timeout_ms, object expires_ms, double now, object wall=*) except? -1
