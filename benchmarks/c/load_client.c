/* The load: N connections, one message in flight on each, every latency counted.
 *
 * Invariant: whenever the client waits for its parent, no request is in flight and the server
 * is quiet, so CPU time read from outside belongs to exactly the requests that the line of
 * figures names. That is why a phase ends by draining: when the time is over (or the count
 * reached) no connection sends again, and the phase's line is printed when the last echo is in.
 *
 * Latencies go into a log-linear histogram (64 buckets an octave: an error below 1.6 %), so
 * that a long run costs no memory and the tail isn't sampled.
 *
 * Built with -DTLS it talks TLS, with -DUDP datagrams (wire.h): a message is then a burst of them,
 * of SIZE bytes each, and its echo is complete when all have come back.
 *
 * It talks to its parent in lines: it prints {"connected": N}; for each line "MILLISECONDS COUNT
 * [RATE]" it runs one phase (either bound may be 0: no such bound, but not both) and prints its
 * figures; at the end of stdin it closes, with a reset if asked to.
 *
 * With a RATE, in requests per second over all connections, requests begin by the clock and not when
 * the last was answered. A latency then counts from the moment at which its request was due, so a
 * server that stalls can't hide the requests that it kept from being sent.
 *
 * usage: load_client PORT CONNECTIONS SIZE [reset [BURST]]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { SUB_BITS = 6, BUCKETS = 64 << SUB_BITS, EVENTS = 1024, READ_BUFFER = 256 * 1024 };
static const uint64_t STALL_NS = 10ULL * 1000 * 1000 * 1000;

struct connection {
    int fd;
    wire wire;
    int waits_for_room; /* its send was cut short and it waits for EPOLLOUT too */
    size_t sent, received;
    uint64_t began;
    uint64_t begun, answered; /* how many requests, in a phase with a rate */
};

static struct connection *all;
static long count, in_flight;
static size_t size, piece; /* of a message; of it what one send takes at most */
static char *message, read_buffer[READ_BUFFER];
static int poller;
static uint64_t histogram[BUCKETS], slowest;

static void die(const char *what) {
    fprintf(stderr, "load_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned bucket_of(uint64_t ns) {
    if (ns < (1u << SUB_BITS)) return (unsigned)ns;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    return ((octave + 1) << SUB_BITS) + (unsigned)((ns >> octave) & ((1u << SUB_BITS) - 1));
}

/* The middle of a bucket, in nanoseconds. */
static double value_of(unsigned bucket) {
    if (bucket < (1u << SUB_BITS)) return bucket;
    unsigned octave = (bucket >> SUB_BITS) - 1;
    uint64_t low = ((uint64_t)(1u << SUB_BITS) + (bucket & ((1u << SUB_BITS) - 1))) << octave;
    return (double)low + (double)(1ULL << octave) / 2;
}

static double percentile_us(uint64_t total, double share) {
    uint64_t rank = (uint64_t)((double)total * share), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen > rank) return value_of(i) / 1000;
    }
    return (double)slowest / 1000;
}

static void watch(struct connection *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &event) < 0) die("epoll_ctl");
}

static void send_rest(struct connection *c) {
    ssize_t sent;
    do {
        size_t left = size - c->sent;
        sent = wire_send(c->wire, message + c->sent, left < piece ? left : piece);
        if (sent < 0) {
            if (errno != EAGAIN) die("send");
            sent = 0;
        }
        c->sent += (size_t)sent;
    } while (sent > 0 && (size_t)sent == piece && c->sent < size);
    int unfinished = c->sent < size;
    if (unfinished != c->waits_for_room) {
        watch(c, EPOLLIN | (unfinished ? EPOLLOUT : 0), EPOLL_CTL_MOD);
        c->waits_for_room = unfinished;
    }
}

static void begin(struct connection *c) {
    c->sent = c->received = 0;
    c->began = now();
    in_flight++;
    send_rest(c);
}

/* Receives what is there; returns how many bytes. */
static size_t receive(struct connection *c) {
    ssize_t got = wire_recv(c->wire, read_buffer, READ_BUFFER);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got < 0) die("recv");
    if (got == 0) {
        errno = ECONNRESET;
        die("the server closed a connection");
    }
    c->received += (size_t)got;
    return (size_t)got;
}

/* Reads what is there; returns 1 when that completed the echo. */
static int take(struct connection *c) {
    if (!receive(c)) return 0;
    if (c->received > size) {
        errno = EPROTO;
        die("more bytes came back than were sent");
    }
    return c->received == size;
}

static void forget(void) {
    memset(histogram, 0, sizeof histogram);
    slowest = 0;
}

static void count_latency(uint64_t latency) {
    histogram[bucket_of(latency)]++;
    if (latency > slowest) slowest = latency;
}

static void print_figures(uint64_t done, uint64_t elapsed) {
    printf("{\"requests\": %llu, \"elapsed\": %.6f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
           "\"p999_us\": %.2f, \"max_us\": %.2f}\n",
           (unsigned long long)done, (double)elapsed / 1e9, percentile_us(done, 0.5),
           percentile_us(done, 0.99), percentile_us(done, 0.999), (double)slowest / 1000);
    fflush(stdout);
}

/* Waits for events, a second at most; ends the program after ten seconds without an echo. */
static int wait_for(struct epoll_event *events, uint64_t last_echo) {
    int ready = epoll_wait(poller, events, EVENTS, 1000);
    if (ready < 0 && errno != EINTR) die("epoll_wait");
    if (ready == 0 && now() - last_echo > STALL_NS) {
        errno = ETIMEDOUT;
        die("no echo for ten seconds");
    }
    return ready;
}

static void run_phase(uint64_t milliseconds, uint64_t limit) {
    struct epoll_event events[EVENTS];
    forget();
    uint64_t started = now(), done = 0, issued = 0, finished = started;
    uint64_t deadline = milliseconds ? started + milliseconds * 1000000 : UINT64_MAX;
    for (long i = 0; i < count && (!limit || issued < limit); i++, issued++) begin(&all[i]);
    while (in_flight) {
        int ready = wait_for(events, finished);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_rest(c);
            if (!(events[i].events & ~(uint32_t)EPOLLOUT) || !take(c)) continue;
            finished = now();
            count_latency(finished - c->began);
            done++;
            in_flight--;
            if (finished < deadline && (!limit || issued < limit)) {
                begin(c);
                issued++;
            }
        }
    }
    print_figures(done, finished - started);
}

/* Sends what has begun and wasn't sent, as far as there is room. */
static void send_begun(struct connection *c) {
    size_t left;
    while ((left = c->begun * size - c->sent) > 0) {
        ssize_t sent = wire_send(c->wire, message, left < piece ? left : piece);
        if (sent < 0 && errno != EAGAIN) die("send");
        if (sent < 0) break;
        c->sent += (size_t)sent;
    }
    if ((left > 0) != c->waits_for_room) {
        watch(c, EPOLLIN | (left ? EPOLLOUT : 0), EPOLL_CTL_MOD);
        c->waits_for_room = left > 0;
    }
}

/* When the request of this number, over all connections, is due. */
static uint64_t due(uint64_t started, uint64_t number, uint64_t rate) {
    return started + (uint64_t)((double)number * 1e9 / (double)rate);
}

static void set_alarm(int timer, uint64_t when) {
    struct itimerspec at = {.it_value = {(time_t)(when / 1000000000u), (long)(when % 1000000000u)}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) < 0) die("timerfd_settime");
}

/* Requests go to the connections in turn, so request k of connection i has the number
 * k * count + i, and nothing needs to be kept about it. */
static void run_paced(uint64_t milliseconds, uint64_t limit, uint64_t rate) {
    struct epoll_event events[EVENTS];
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event alarm = {.events = EPOLLIN, .data.ptr = NULL};
    if (timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &alarm) < 0) die("timerfd");
    forget();
    for (long i = 0; i < count; i++)
        all[i].sent = all[i].received = all[i].begun = all[i].answered = 0;
    uint64_t total = milliseconds ? rate * milliseconds / 1000 : limit;
    if (limit && limit < total) total = limit;
    uint64_t started = now(), finished = started, next = 0, done = 0, alarmed = UINT64_MAX;
    while (done < total) {
        for (; next < total && due(started, next, rate) <= now(); next++) {
            struct connection *c = &all[next % (uint64_t)count];
            c->begun++;
            send_begun(c);
        }
        if (next < total && next != alarmed) {
            set_alarm(timer, due(started, next, rate));
            alarmed = next;
        }
        int ready = wait_for(events, finished);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            uint64_t expired;
            if (!c) {
                if (read(timer, &expired, sizeof expired) < 0 && errno != EAGAIN) die("timerfd");
                continue;
            }
            if (events[i].events & EPOLLOUT) send_begun(c);
            if (!(events[i].events & ~(uint32_t)EPOLLOUT) || !receive(c)) continue;
            finished = now();
            for (; c->received >= (c->answered + 1) * size; c->answered++, done++) {
                uint64_t number = c->answered * (uint64_t)count + (uint64_t)(c - all);
                count_latency(finished - due(started, number, rate));
            }
        }
    }
    close(timer);
    print_figures(done, finished - started);
}

static void open_connection(struct connection *c, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, WIRE_SOCKET | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
    int one = 1;
    if (WIRE_SOCKET == SOCK_STREAM)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->wire = wire_open(c->fd);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0) die("fcntl");
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: load_client PORT CONNECTIONS SIZE [reset [BURST]]\n");
        return 2;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    count = atol(argv[2]);
    piece = (size_t)atol(argv[3]);
    size = argc > 5 ? piece * (size_t)atol(argv[5]) : piece;
    all = calloc((size_t)(count > 0 ? count : 1), sizeof *all);
    message = malloc(size + 1);
    if (count < 1 || size < 1 || !all || !message) {
        fprintf(stderr, "load_client: CONNECTIONS and SIZE are to be 1 or more\n");
        return 2;
    }
    memset(message, 'm', size);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) die("epoll_create1");
    for (long i = 0; i < count; i++) open_connection(&all[i], atoi(argv[1]));
    printf("{\"connected\": %ld}\n", count);
    fflush(stdout);

    char line[128];
    while (fgets(line, sizeof line, stdin)) {
        unsigned long long milliseconds = 0, limit = 0, rate = 0;
        sscanf(line, "%llu %llu %llu", &milliseconds, &limit, &rate);
        if (!milliseconds && !limit) continue;
        if (rate)
            run_paced(milliseconds, limit, rate);
        else
            run_phase(milliseconds, limit);
    }
    if (argc > 4 && strcmp(argv[4], "reset") == 0) {
        struct linger now_please = {.l_onoff = 1, .l_linger = 0};
        for (long i = 0; i < count; i++)
            setsockopt(all[i].fd, SOL_SOCKET, SO_LINGER, &now_please, sizeof now_please);
    }
    return 0;
}
