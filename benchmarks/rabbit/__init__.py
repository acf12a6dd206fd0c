"""RabbitMQ: what a call and a message cost, ours and those of other libraries."""
