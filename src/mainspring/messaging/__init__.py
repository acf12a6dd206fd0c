"""Messaging: call, cast, fanout and notify, for every way of waiting, over several brokers."""
