"""Message brokers for the tests and for `make services`: on loopback, each with its own data."""
