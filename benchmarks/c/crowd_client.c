/* The crowd: very many connections, held idle (for `memory`) or opened, used and reset (`soak`).
 *
 * Invariant: at most IN_PROGRESS connects are under way at a time, so the server's backlog never
 * overflows and no SYN waits a second for its repeat. Source addresses rotate over 127.0.0.2
 * and up, because one address has only the 28,000 ephemeral ports towards one server. Every
 * connection ends with a reset (SO_LINGER 0): none stays behind in TIME_WAIT on either side.
 *
 * Lines from the parent, one line of JSON back for each:
 *   hold N      opens N more connections and keeps them
 *   echo N      one echo on N of the held ones, spread over all of them
 *   churn N     opens, uses once and resets N connections, IN_PROGRESS at a time
 * The end of stdin resets all that is held.
 *
 * usage: crowd_client PORT SIZE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { IN_PROGRESS = 64, PER_ADDRESS = 20000, MAX_SIZE = 65536, WAIT_MS = 10000 };

enum state { CONNECTING, ECHOING };

struct attempt {
    int fd;
    enum state state;
    size_t received;
};

static int port, poller;
static size_t size;
static char message[MAX_SIZE], read_buffer[MAX_SIZE];
static int *held;
static size_t held_count, held_room;
static uint64_t opened;

static void die(const char *what) {
    fprintf(stderr, "crowd_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void reset(int fd) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

/* Starts one connect, from the source address whose turn it is. */
static void start(struct attempt *a) {
    a->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (a->fd < 0) die("socket");
    int one = 1;
    setsockopt(a->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    uint32_t host = 0x7f000002u + (uint32_t)(opened / PER_ADDRESS % 200);
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    if (bind(a->fd, (struct sockaddr *)&source, sizeof source) < 0) die("bind");
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(a->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        die("connect");
    a->state = CONNECTING;
    a->received = 0;
    opened++;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = a};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, a->fd, &event) < 0) die("epoll_ctl");
}

static void keep(int fd) {
    if (held_count == held_room) {
        held_room = held_room ? held_room * 2 : 1024;
        held = realloc(held, held_room * sizeof *held);
        if (!held) die("realloc");
    }
    held[held_count++] = fd;
}

static void finish_connect(struct attempt *a) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) {
        errno = error;
        die("connect");
    }
}

/* Moves one attempt on; returns 1 when it is over. */
static int advance(struct attempt *a, int hold) {
    if (a->state == CONNECTING) {
        finish_connect(a);
        if (hold) {
            epoll_ctl(poller, EPOLL_CTL_DEL, a->fd, NULL);
            keep(a->fd);
            return 1;
        }
        if (send(a->fd, message, size, MSG_NOSIGNAL) != (ssize_t)size) die("send");
        a->state = ECHOING;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = a};
        epoll_ctl(poller, EPOLL_CTL_MOD, a->fd, &event);
        return 0;
    }
    ssize_t got = recv(a->fd, read_buffer, sizeof read_buffer, 0);
    if (got <= 0) {
        if (got == 0) errno = ECONNRESET;
        die("recv");
    }
    a->received += (size_t)got;
    if (a->received < size) return 0;
    reset(a->fd);
    return 1;
}

static void run(uint64_t wanted, int hold) {
    static struct attempt attempts[IN_PROGRESS];
    struct epoll_event events[IN_PROGRESS];
    uint64_t started = 0, done = 0;
    double began = seconds();
    for (; started < IN_PROGRESS && started < wanted; started++) start(&attempts[started]);
    while (done < wanted) {
        int ready = epoll_wait(poller, events, IN_PROGRESS, WAIT_MS);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        if (ready == 0) {
            errno = ETIMEDOUT;
            die("the server doesn't answer");
        }
        for (int i = 0; i < ready; i++) {
            struct attempt *a = events[i].data.ptr;
            if (!advance(a, hold)) continue;
            done++;
            if (started < wanted) {
                start(a);
                started++;
            }
        }
    }
    printf("{\"connections\": %llu, \"held\": %zu, \"elapsed\": %.6f}\n", (unsigned long long)done,
           held_count, seconds() - began);
}

static void echo_sample(uint64_t wanted) {
    uint64_t served = 0;
    double deadline = seconds() + WAIT_MS / 1000.0; /* for all of them together */
    if (wanted > held_count) wanted = held_count;
    for (uint64_t i = 0; i < wanted; i++) {
        int fd = held[i * held_count / wanted];
        if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size) die("send");
        size_t received = 0;
        while (received < size) {
            struct pollfd waiting = {.fd = fd, .events = POLLIN};
            double left = deadline - seconds();
            if (poll(&waiting, 1, left > 0 ? (int)(left * 1000) : 0) <= 0) break;
            ssize_t got = recv(fd, read_buffer, sizeof read_buffer, 0);
            if (got <= 0) break;
            received += (size_t)got;
        }
        served += received == size;
    }
    printf("{\"asked\": %llu, \"served\": %llu}\n", (unsigned long long)wanted,
           (unsigned long long)served);
}

int main(int argc, char **argv) {
    if (argc != 3 || (size = (size_t)atol(argv[2])) < 1 || size > MAX_SIZE) {
        fprintf(stderr, "usage: crowd_client PORT SIZE   (SIZE is 1 to %d)\n", MAX_SIZE);
        return 2;
    }
    port = atoi(argv[1]);
    memset(message, 'm', size);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) die("epoll_create1");
    char line[128], verb[16];
    while (fgets(line, sizeof line, stdin)) {
        unsigned long long n = 0;
        if (sscanf(line, "%15s %llu", verb, &n) != 2) continue;
        if (strcmp(verb, "hold") == 0) run(n, 1);
        if (strcmp(verb, "churn") == 0) run(n, 0);
        if (strcmp(verb, "echo") == 0) echo_sample(n);
        fflush(stdout);
    }
    for (size_t i = 0; i < held_count; i++) reset(held[i]);
    return 0;
}
