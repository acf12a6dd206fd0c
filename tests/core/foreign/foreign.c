/* Another extension beside the loop: threads that Python didn't make, and pending calls of its own. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern int _PyEval_AddPendingCall(PyInterpreterState *, int (*)(void *), void *, int)
    __attribute__((weak));

static int made;

static int count_call(void *argument)
{
    (void)argument;
    made += 1;
    return 0;
}

/* add_pending_call() -> bool: as any extension may, from any thread; False when there is no room. */
static PyObject *add_pending_call(PyObject *self, PyObject *none)
{
    (void)self, (void)none;
    return PyBool_FromLong(Py_AddPendingCall(count_call, NULL) == 0);
}

/* calls_made() -> int */
static PyObject *calls_made(PyObject *self, PyObject *none)
{
    (void)self, (void)none;
    return PyLong_FromLong(made);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int may_end, is_blocked;
static pthread_t blocked_thread;

static int block_call(void *argument)
{
    PyThreadState *state;
    (void)argument;
    if (!pthread_equal(pthread_self(), blocked_thread))
        return 0; /* somebody else came by first; it is asked for again */
    state = PyEval_SaveThread();
    pthread_mutex_lock(&lock);
    is_blocked = 1;
    while (!may_end)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    PyEval_RestoreThread(state);
    return 0;
}

/* block_in_pending_call(): a call for any thread, in which the calling one blocks soon. */
static PyObject *block_in_pending_call(PyObject *self, PyObject *none)
{
    (void)self, (void)none;
    blocked_thread = pthread_self();
    if (_PyEval_AddPendingCall(PyInterpreterState_Get(), block_call, NULL, 0) != 0)
        return PyErr_Format(PyExc_RuntimeError, "there is no room for a pending call");
    Py_RETURN_NONE;
}

/* has_blocked() -> bool */
static PyObject *has_blocked(PyObject *self, PyObject *none)
{
    int seen;
    (void)self, (void)none;
    pthread_mutex_lock(&lock);
    seen = is_blocked;
    pthread_mutex_unlock(&lock);
    return PyBool_FromLong(seen);
}

/* unblock() */
static PyObject *unblock(PyObject *self, PyObject *none)
{
    (void)self, (void)none;
    pthread_mutex_lock(&lock);
    may_end = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    Py_RETURN_NONE;
}

typedef struct {
    long thread;
    PyObject *callable;
} visit;

/* Reads what the system says of a thread; returns 0 if it doesn't. */
static int about(long thread, const char *what, char *text, size_t room)
{
    char path[64];
    ssize_t size;
    int fd;
    snprintf(path, sizeof path, "/proc/self/task/%ld/%s", thread, what);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    size = read(fd, text, room - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    return size > 0;
}

/* Whether a thread sleeps in a poll; where the system doesn't tell in which call, whether it sleeps. */
static int sleeps(long thread)
{
    char text[256], *state;
    long call;
    if (!about(thread, "stat", text, sizeof text))
        return 1;
    state = strrchr(text, ')');
    if (state == NULL || state[1] != ' ' || state[2] != 'S')
        return 0;
    if (!about(thread, "syscall", text, sizeof text))
        return 1;
    call = strtol(text, NULL, 10);
#ifdef SYS_epoll_wait
    if (call == SYS_epoll_wait)
        return 1;
#endif
    return call == SYS_epoll_pwait;
}

static void *come_by(void *argument)
{
    visit *order = argument;
    PyGILState_STATE state;
    PyObject *result;
    while (!sleeps(order->thread))
        sched_yield();
    state = PyGILState_Ensure();
    result = PyObject_CallNoArgs(order->callable);
    if (result == NULL)
        PyErr_WriteUnraisable(order->callable);
    Py_XDECREF(result);
    Py_DECREF(order->callable);
    PyGILState_Release(state);
    PyMem_RawFree(order);
    return NULL;
}

/* call_when_asleep(thread, callable): in a thread that isn't Python's until that moment, once
 * another (by its native id) sleeps in a poll. */
static PyObject *call_when_asleep(PyObject *self, PyObject *args)
{
    pthread_t made_thread;
    visit *order = PyMem_RawMalloc(sizeof *order);
    (void)self;
    if (order == NULL)
        return PyErr_NoMemory();
    if (!PyArg_ParseTuple(args, "lO", &order->thread, &order->callable)) {
        PyMem_RawFree(order);
        return NULL;
    }
    Py_INCREF(order->callable);
    if (pthread_create(&made_thread, NULL, come_by, order) != 0)
        return PyErr_Format(PyExc_RuntimeError, "no thread can be made");
    pthread_detach(made_thread);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"add_pending_call", add_pending_call, METH_NOARGS, NULL},
    {"calls_made", calls_made, METH_NOARGS, NULL},
    {"block_in_pending_call", block_in_pending_call, METH_NOARGS, NULL},
    {"has_blocked", has_blocked, METH_NOARGS, NULL},
    {"unblock", unblock, METH_NOARGS, NULL},
    {"call_when_asleep", call_when_asleep, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "foreign", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_foreign(void)
{
    return PyModule_Create(&module);
}
