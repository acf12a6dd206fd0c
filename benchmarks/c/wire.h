/* How the load client talks: over a stream socket as it is; when built with -DTLS, encrypted; with
 * -DUDP, in datagrams.
 *
 * Both have the calls of a non-blocking socket: -1 and EAGAIN when there is nothing to do yet. The
 * certificate isn't checked: the server's work is measured, and is the same.
 */
#ifndef WIRE_H
#define WIRE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifdef UDP
#define WIRE_SOCKET SOCK_DGRAM
#else
#define WIRE_SOCKET SOCK_STREAM
#endif

#ifdef TLS
#include <openssl/ssl.h>

typedef SSL *wire;

/* On a connected socket that still blocks. */
static wire wire_open(int fd) {
    static SSL_CTX *context;
    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        if (!context) exit(1);
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
    }
    SSL *ssl = SSL_new(context);
    if (!ssl || !SSL_set_fd(ssl, fd) || SSL_connect(ssl) != 1) {
        fprintf(stderr, "load_client: no TLS handshake\n");
        exit(1);
    }
    return ssl;
}

static ssize_t wire_result(wire w, int done, size_t moved) {
    if (done) return (ssize_t)moved;
    int error = SSL_get_error(w, 0);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

static ssize_t wire_send(wire w, const void *data, size_t size) {
    size_t moved = 0;
    int done = SSL_write_ex(w, data, size, &moved);
    return wire_result(w, done, moved);
}

static ssize_t wire_recv(wire w, void *buffer, size_t size) {
    size_t moved = 0;
    int done = SSL_read_ex(w, buffer, size, &moved);
    return wire_result(w, done, moved);
}
#else
typedef int wire;

static wire wire_open(int fd) { return fd; }

static ssize_t wire_send(wire w, const void *data, size_t size) {
    return send(w, data, size, MSG_NOSIGNAL);
}

static ssize_t wire_recv(wire w, void *buffer, size_t size) { return recv(w, buffer, size, 0); }
#endif

#endif
