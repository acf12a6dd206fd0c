/* The OpenSSL that the interpreter's `_ssl` has loaded, without its headers and without linking it.
 *
 * The functions are looked up once, in `_ssl`'s own file and what that depends on, so that they are
 * the very ones that made the SSL objects. Types that OpenSSL keeps opaque are `void` here, and the
 * few numbers are those of its public interface, the same since 1.1.1.
 *
 * `channel` is what an SSL object reads from and writes to in the place of memory BIOs: somebody's
 * buffers, for the time of a call. It keeps nothing, so an idle connection has no buffer.
 */
#ifndef MAINSPRING_OPENSSL_H
#define MAINSPRING_OPENSSL_H

#include <Python.h>
#include <dlfcn.h>
#include <string.h>

enum { WANT_READ = 2, WANT_WRITE = 3, ZERO_RETURN = 6 };
enum { FLAG_READ = 1, FLAG_WRITE = 2, FLAG_RETRY = 8, FLAGS_OF_RETRY = 15 };
enum { CTRL_PENDING = 10, CTRL_FLUSH = 11, CTRL_DUP = 12 };
enum { TYPE_SOURCE_SINK = 0x0400 };

typedef struct {
    const char *input;
    Py_ssize_t input_size;
    char *output;
    Py_ssize_t output_size;
    Py_ssize_t output_room;
} channel;

#define FUNCTIONS(F)                                                              \
    F(int, SSL_read_ex, (void *, void *, size_t, size_t *))                       \
    F(int, SSL_write_ex, (void *, const void *, size_t, size_t *))                \
    F(int, SSL_get_error, (const void *, int))                                    \
    F(int, SSL_has_pending, (const void *))                                       \
    F(int, SSL_is_server, (const void *))                                         \
    F(void *, SSL_get_rbio, (const void *))                                       \
    F(void, SSL_set_bio, (void *, void *, void *))                                \
    F(void *, BIO_new, (const void *))                                            \
    F(int, BIO_up_ref, (void *))                                                  \
    F(int, BIO_free, (void *))                                                    \
    F(void, BIO_set_init, (void *, int))                                          \
    F(void, BIO_set_data, (void *, void *))                                       \
    F(void *, BIO_get_data, (void *))                                             \
    F(void, BIO_set_flags, (void *, int))                                         \
    F(void, BIO_clear_flags, (void *, int))                                       \
    F(size_t, BIO_ctrl_pending, (void *))                                         \
    F(void *, BIO_meth_new, (int, const char *))                                  \
    F(int, BIO_meth_set_read, (void *, int (*)(void *, char *, int)))             \
    F(int, BIO_meth_set_write, (void *, int (*)(void *, const char *, int)))      \
    F(int, BIO_meth_set_ctrl, (void *, long (*)(void *, int, long, void *)))      \
    F(void, ERR_clear_error, (void))                                              \
    F(unsigned long, OpenSSL_version_num, (void))

static struct {
#define F(result, name, parameters) result(*name) parameters;
    FUNCTIONS(F)
#undef F
} openssl;

static void *channel_method;

static int channel_read(void *bio, char *into, int size) {
    channel *c = openssl.BIO_get_data(bio);
    openssl.BIO_clear_flags(bio, FLAGS_OF_RETRY);
    if (!c) return 0;
    if (c->input_size <= 0) {
        openssl.BIO_set_flags(bio, FLAG_READ | FLAG_RETRY);
        return -1;
    }
    if (size > c->input_size) size = (int)c->input_size;
    memcpy(into, c->input, (size_t)size);
    c->input += size;
    c->input_size -= size;
    return size;
}

static int channel_write(void *bio, const char *data, int size) {
    channel *c = openssl.BIO_get_data(bio);
    openssl.BIO_clear_flags(bio, FLAGS_OF_RETRY);
    if (!c) return -1;
    if (size > c->output_room - c->output_size) size = (int)(c->output_room - c->output_size);
    if (size <= 0) {
        openssl.BIO_set_flags(bio, FLAG_WRITE | FLAG_RETRY);
        return -1;
    }
    memcpy(c->output + c->output_size, data, (size_t)size);
    c->output_size += size;
    return size;
}

static long channel_control(void *bio, int command, long number, void *pointer) {
    channel *c = openssl.BIO_get_data(bio);
    (void)number, (void)pointer;
    if (command == CTRL_PENDING) return c ? (long)c->input_size : 0;
    return command == CTRL_FLUSH || command == CTRL_DUP;
}

/* Looks everything up; returns 0 where something is missing. */
static int load_openssl(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (!library) return 0;
#define F(result, name, parameters) \
    *(void **)&openssl.name = dlsym(library, #name); \
    if (!openssl.name) return 0;
    FUNCTIONS(F)
#undef F
    channel_method = openssl.BIO_meth_new(TYPE_SOURCE_SINK, "a loop's buffer");
    return channel_method && openssl.BIO_meth_set_read(channel_method, channel_read) &&
           openssl.BIO_meth_set_write(channel_method, channel_write) &&
           openssl.BIO_meth_set_ctrl(channel_method, channel_control);
}

/* Has an SSL object read from and write to a channel; returns its BIO, one reference of it ours. */
static void *attach_channel(void *ssl, channel *c) {
    void *bio = openssl.BIO_new(channel_method);
    if (!bio) return NULL;
    openssl.BIO_set_data(bio, c);
    openssl.BIO_set_init(bio, 1);
    openssl.BIO_up_ref(bio);
    openssl.SSL_set_bio(ssl, bio, bio);
    return bio;
}

static void detach_channel(void *bio) {
    openssl.BIO_set_data(bio, NULL);
    openssl.BIO_free(bio);
}

static inline int ssl_read(void *ssl, char *into, size_t size, size_t *done) {
    openssl.ERR_clear_error();
    return openssl.SSL_read_ex(ssl, into, size, done);
}

static inline int ssl_write(void *ssl, const char *data, size_t size, size_t *done) {
    openssl.ERR_clear_error();
    return openssl.SSL_write_ex(ssl, data, size, done);
}

static inline int ssl_error(void *ssl) { return openssl.SSL_get_error(ssl, 0); }
static inline int ssl_has_pending(void *ssl) { return openssl.SSL_has_pending(ssl); }
static inline int ssl_is_server(void *ssl) { return openssl.SSL_is_server(ssl); }
static inline size_t ssl_input(void *ssl) {
    void *bio = openssl.SSL_get_rbio(ssl);
    return bio ? openssl.BIO_ctrl_pending(bio) : 0;
}
static inline unsigned long openssl_version(void) { return openssl.OpenSSL_version_num(); }

/* The pointer that lies in an object; the caller knows that the object is large enough. */
static inline void *pointer_at(PyObject *object, Py_ssize_t offset) {
    void *pointer;
    memcpy(&pointer, (char *)object + offset, sizeof pointer);
    return pointer;
}

#endif
