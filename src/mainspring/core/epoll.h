/* epoll_wait with a timeout in nanoseconds: epoll_pwait2 (Linux 5.11) where there is one, else
 * milliseconds, rounded up, so that a timer is never early and the loop never spins up to it. */
#ifndef MAINSPRING_EPOLL_H
#define MAINSPRING_EPOLL_H

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static inline int epoll_wait_ns(int epfd, struct epoll_event *events, int capacity, long long timeout)
{
    static int has_pwait2 = 1;
    if (timeout <= 0)
        return epoll_wait(epfd, events, capacity, timeout < 0 ? -1 : 0);
    if (has_pwait2) {
        struct timespec t = {.tv_sec = timeout / 1000000000LL, .tv_nsec = timeout % 1000000000LL};
        int n = (int)syscall(SYS_epoll_pwait2, epfd, events, capacity, &t, NULL, 0);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        has_pwait2 = 0;
    }
    long long ms = timeout / 1000000LL + (timeout % 1000000LL != 0);
    return epoll_wait(epfd, events, capacity, ms > INT_MAX ? INT_MAX : (int)ms);
}

#endif
