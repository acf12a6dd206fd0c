"""NATS: what a call costs, ours and nats-py's own."""
