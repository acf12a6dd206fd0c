"""The RabbitMQ transport: oslo.messaging's wire on one connection of our own.

From the bottom up: `forms`, `envelope`, `failures` and `wire` turn messages into bytes and back;
`frames` and `methods` are AMQP's own; `connection`, `opening`, `login`, `security` and `heartbeats`
are one connection; `link` keeps one up; `publisher`, `replies`, `responses` and `subscription`
carry messages over it; `options` and `topology` say what is declared; `transport` is what the core
sees.
"""
