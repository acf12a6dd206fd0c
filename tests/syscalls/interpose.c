/* Stands before libc's functions and has some calls of one thread fail as the system may have them.

   Which calls: `faults_every` says one of how many, and in which ways; `faults_at` has the one with
   a number fail for good. Both count the calls of the thread that said so, so that what happens
   depends on nothing else. Files on disk are left alone: their calls don't do so. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { INTERRUPTED = 1, SHORTENED = 2, SPURIOUS = 4 };

static __thread int every, ways;
static __thread unsigned long lot;
static __thread long injected;
static __thread long at, failures;

void faults_every(int count, int kinds) {
    every = count;
    ways = kinds;
    if (count) lot = injected = 0;
}

/* 0 for none; what was counted before can still be asked for. */
void faults_at(long number) {
    at = number;
    if (number) failures = 0;
}

/* How many faults there have been, and how many calls that could have failed for good. */
long faults_injected(void) { return injected; }
long faults_possible(void) { return failures; }

#define REAL(name)                                        \
    static __typeof__(&name) real;                        \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Whether a call of an fd may be disturbed: sockets and pipes. */
static int moves_data(int fd) {
    struct stat about;
    int kept = errno;
    int yes = fstat(fd, &about) == 0 && (S_ISSOCK(about.st_mode) || S_ISFIFO(about.st_mode));
    errno = kept;
    return yes;
}

static int is_datagram(int fd) {
    int kind = 0, kept = errno;
    socklen_t size = sizeof kind;
    int yes = getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 && kind != SOCK_STREAM;
    errno = kept;
    return yes;
}

static int never_blocks(int fd, int flags) {
    return flags & MSG_DONTWAIT || fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/* The way in which this call is disturbed; 0 for none. Which calls is drawn by lot, always the same:
   with a fixed distance one call of a loop could be the one each time. The ways take turns. */
static int next_fault(int possible) {
    possible &= ways;
    if (!every || !possible) return 0;
    lot = lot * 6364136223846793005u + 1442695040888963407u;
    if ((lot >> 33) % every) return 0;
    injected++;
    for (int turn = injected % 3;; turn = (turn + 1) % 3)
        if (possible & 1 << turn) return 1 << turn;
}

/* Whether this call fails for good. */
static int fails(int error) {
    if (!at || ++failures != at) return 0;
    errno = error;
    return 1;
}

/* Disturbs a call that moves up to `size` bytes, or says how many it may move; -1 with an errno. */
static ssize_t bounded(int fd, int flags, size_t size) {
    int possible = INTERRUPTED;
    if (!every && !at) return size;
    if (!moves_data(fd)) return size;
    if (fails(ECONNRESET)) return -1;
    if (size > 1 && !is_datagram(fd)) possible |= SHORTENED;
    /* The system always has room for the one byte of a signal. */
    if (size > 1 && never_blocks(fd, flags)) possible |= SPURIOUS;
    switch (next_fault(possible)) {
        case INTERRUPTED: errno = EINTR; return -1;
        case SPURIOUS: errno = EAGAIN; return -1;
        case SHORTENED: return 1;
        default: return size;
    }
}

#define MOVES(fd, flags, size)                            \
    ssize_t most = bounded(fd, flags, size);              \
    if (most < 0) return -1

ssize_t recv(int fd, void *data, size_t size, int flags) {
    REAL(recv);
    MOVES(fd, flags, size);
    return real(fd, data, most, flags);
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *n) {
    REAL(recvfrom);
    MOVES(fd, flags, size);
    return real(fd, data, most, flags, from, n);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    REAL(send);
    MOVES(fd, flags, size);
    return real(fd, data, most, flags);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
               socklen_t n) {
    REAL(sendto);
    MOVES(fd, flags, size);
    return real(fd, data, most, flags, to, n);
}

ssize_t read(int fd, void *data, size_t size) {
    REAL(read);
    MOVES(fd, 0, size);
    return real(fd, data, most);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    MOVES(fd, 0, size);
    return real(fd, data, most);
}

/* Of what has several pieces, one byte of the first that has any is moved. */
static struct iovec first_byte(const struct iovec *chunks, size_t count) {
    struct iovec one = {0, 0};
    for (size_t index = 0; index < count && !one.iov_len; index++) {
        one.iov_base = chunks[index].iov_base;
        one.iov_len = chunks[index].iov_len > 0;
    }
    return one;
}

static size_t total(const struct iovec *chunks, size_t count) {
    size_t size = 0;
    for (size_t index = 0; index < count; index++) size += chunks[index].iov_len;
    return size;
}

ssize_t writev(int fd, const struct iovec *chunks, int count) {
    REAL(writev);
    size_t size = total(chunks, count);
    MOVES(fd, 0, size);
    struct iovec one = first_byte(chunks, count);
    return (size_t)most == size ? real(fd, chunks, count) : real(fd, &one, 1);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    size_t size = total(message->msg_iov, message->msg_iovlen);
    MOVES(fd, flags, size);
    struct iovec one = first_byte(message->msg_iov, message->msg_iovlen);
    struct msghdr less = *message;
    if ((size_t)most == size) return real(fd, message, flags);
    less.msg_iov = &one;
    less.msg_iovlen = 1;
    return real(fd, &less, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    REAL(recvmsg);
    MOVES(fd, flags, 1);
    return real(fd, message, flags);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *t) {
    REAL(recvmmsg);
    MOVES(fd, flags, 1);
    return real(fd, messages, every ? 1 : count, flags, t);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
    REAL(sendfile64);
    MOVES(to, 0, size);
    return real(to, from, offset, most);
}

int accept4(int fd, struct sockaddr *from, socklen_t *size, int flags) {
    REAL(accept4);
    if (fails(EMFILE)) return -1;
    switch (next_fault(INTERRUPTED | SPURIOUS)) {
        case INTERRUPTED: errno = EINTR; return -1;
        case SPURIOUS: errno = ECONNABORTED; return -1;
        default: return real(fd, from, size, flags);
    }
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout) {
    REAL(epoll_wait);
    switch (next_fault(INTERRUPTED | (most > 1 ? SHORTENED : 0))) {
        case INTERRUPTED: errno = EINTR; return -1;
        case SHORTENED: return real(fd, events, 1, timeout);
        default: return real(fd, events, most, timeout);
    }
}

/* Removing can't fail for want of anything. */
int epoll_ctl(int fd, int what, int watched, struct epoll_event *event) {
    REAL(epoll_ctl);
    if (what != EPOLL_CTL_DEL && fails(what == EPOLL_CTL_ADD ? ENOSPC : ENOMEM)) return -1;
    return real(fd, what, watched, event);
}

int epoll_create1(int flags) {
    REAL(epoll_create1);
    return fails(EMFILE) ? -1 : real(flags);
}

int eventfd(unsigned int count, int flags) {
    REAL(eventfd);
    return fails(EMFILE) ? -1 : real(count, flags);
}

int socket(int family, int kind, int protocol) {
    REAL(socket);
    return fails(EMFILE) ? -1 : real(family, kind, protocol);
}

int socketpair(int family, int kind, int protocol, int pair[2]) {
    REAL(socketpair);
    return fails(EMFILE) ? -1 : real(family, kind, protocol, pair);
}

int pipe2(int pair[2], int flags) {
    REAL(pipe2);
    return fails(EMFILE) ? -1 : real(pair, flags);
}

int listen(int fd, int backlog) {
    REAL(listen);
    return fails(EADDRINUSE) ? -1 : real(fd, backlog);
}
