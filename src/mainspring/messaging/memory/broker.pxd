from mainspring.messaging.memory.inbox cimport Inbox
from mainspring.messaging.messages cimport Message, Notification, Request


cdef class MemoryDelivery:
    cdef readonly Message message
    cdef readonly bint redelivered
    cdef readonly int attempt
    cdef Queue queue
    # None before it is handed out, and once it is settled.
    cdef Consumer consumer

    cpdef object ack(self)
    cpdef object reject(self, bint requeue)
    cdef bint is_over(self, double now) except -1


cdef class Queue:
    cdef Broker broker
    cdef list consumers
    # A deque of deliveries.
    cdef object ready
    cdef Py_ssize_t max_length
    cdef bint keep_newest
    # Whose turn it is.
    cdef Py_ssize_t turn

    cdef int put(self, Message message) except -1
    cdef Consumer next(self)
    cdef int put_back(self, MemoryDelivery delivery) except -1
    cdef int pump(self) except -1
    cdef bint feed(self, Consumer consumer) except -1
    cdef int remove(self, Consumer consumer) except -1


cdef class Consumer:
    cdef Broker broker
    cdef Inbox inbox
    cdef readonly object receiver
    cdef object on_delivery
    cdef readonly Py_ssize_t prefetch
    cdef list queues
    cdef dict unsettled

    cdef bint has_room(self) noexcept
    cdef int take(self, MemoryDelivery delivery) except -1
    cdef int settle(self, MemoryDelivery delivery) except -1
    cdef int attach(self, Queue queue) except -1
    cdef int detach(self) except -1
    cpdef object set_prefetch(self, Py_ssize_t prefetch)
    cpdef object give_back(self)


cdef class Broker:
    cdef object __weakref__
    cdef readonly object lock
    cdef object acquire
    cdef object release
    cdef readonly dict counts
    cdef public Py_ssize_t max_length
    cdef dict queues
    cdef dict fanouts
    cdef dict pools

    cdef int send(self, Request request) except -1
    cdef Queue queue_of(self, object target)
    cdef int notify(self, Notification notification) except -1
    cpdef object cancel(self, Request request)
    cpdef object serve(self, Consumer consumer, object exchange, object topic, object server)
    cpdef object listen(self, Consumer consumer, object keys, object pool)
    cpdef object leave(self, Consumer consumer)
    cdef dict pools_of(self, object key)
    cdef int refuse(self, Request request) except -1


cdef object fresh(Message message)
