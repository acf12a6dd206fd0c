/* The floor: an echo server that does one epoll_wait, one recv and one send, and nothing else.
 *
 * Every Python server is compared with this one, so it is what the kernel charges for an echo.
 * Invariant: a byte that was received is either sent at once or kept in its connection's own
 * backlog; while a backlog exists the connection isn't read, so memory stays bounded by one
 * read buffer a connection. One 256 KiB read buffer serves all connections, as the fastest
 * loops have it.
 *
 * It talks to its parent over stdin and stdout in lines of JSON: "ready" with the port, then one
 * line of figures for each line it is sent, and it ends when stdin does.
 *
 * usage: echo_server   (127.0.0.1, a free port)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BUFFER = 256 * 1024, EVENTS = 1024, BACKLOG = 4096 };

struct connection {
    int fd;
    size_t pending;  /* bytes of `backlog` not sent yet */
    size_t offset;   /* where they begin */
    char *backlog;   /* NULL in the steady state */
};

static char read_buffer[READ_BUFFER];
static long connections;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int poller, struct connection *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &event) < 0) die("epoll_ctl");
}

static void drop(struct connection *c) {
    close(c->fd);
    free(c->backlog);
    free(c);
    connections--;
}

static void accept_all(int poller, int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return; /* nobody waits, or no fd is left: the next event tries again */
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *c = calloc(1, sizeof *c);
        if (!c) die("calloc");
        c->fd = fd;
        connections++;
        watch(poller, c, EPOLLIN, EPOLL_CTL_ADD);
    }
}

/* Keeps what the socket didn't take, and waits for room instead of for more input. */
static void keep(int poller, struct connection *c, const char *data, size_t length) {
    c->backlog = malloc(length);
    if (!c->backlog) die("malloc");
    memcpy(c->backlog, data, length);
    c->pending = length;
    c->offset = 0;
    watch(poller, c, EPOLLOUT, EPOLL_CTL_MOD);
}

static void on_readable(int poller, struct connection *c) {
    ssize_t got = recv(c->fd, read_buffer, READ_BUFFER, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        drop(c);
        return;
    }
    ssize_t sent = send(c->fd, read_buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent == got) return;
    if (sent < 0 && errno != EAGAIN) {
        drop(c);
        return;
    }
    if (sent < 0) sent = 0;
    keep(poller, c, read_buffer + sent, (size_t)(got - sent));
}

static void on_writable(int poller, struct connection *c) {
    ssize_t sent = send(c->fd, c->backlog + c->offset, c->pending, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) drop(c);
        return;
    }
    c->offset += (size_t)sent;
    c->pending -= (size_t)sent;
    if (c->pending) return;
    free(c->backlog);
    c->backlog = NULL;
    watch(poller, c, EPOLLIN, EPOLL_CTL_MOD);
}

static long open_fds(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return -1;
    long count = -3; /* ".", ".." and the folder's own fd */
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

/* Answers one request of the parent; returns 0 when the parent is gone. */
static int on_control(void) {
    char line[256];
    ssize_t got = read(STDIN_FILENO, line, sizeof line);
    if (got <= 0) return 0;
    for (ssize_t i = 0; i < got; i++)
        if (line[i] == '\n')
            printf("{\"connections\": %ld, \"fds\": %ld, \"objects\": 0}\n", connections, open_fds());
    fflush(stdout);
    return 1;
}

int main(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) die("socket");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) < 0) die("bind");
    if (listen(listener, BACKLOG) < 0) die("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) die("getsockname");

    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) die("epoll_create1");
    struct connection accepting = {.fd = listener}, control = {.fd = STDIN_FILENO};
    watch(poller, &accepting, EPOLLIN, EPOLL_CTL_ADD);
    watch(poller, &control, EPOLLIN, EPOLL_CTL_ADD);
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);

    static struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == &accepting) {
                accept_all(poller, listener);
            } else if (c == &control) {
                if (!on_control()) return 0;
            } else if (c->pending) {
                on_writable(poller, c);
            } else {
                on_readable(poller, c);
            }
        }
    }
}
