"""NATS, over nats-py: calls, casts, fanouts and notifications on core NATS, in a form of our own.

Core NATS hands a message to whoever listens in that moment, once or never. What follows from that
for servers, callers and listeners stands in `docs/reference/nats.md`, and so does the wire.
"""
