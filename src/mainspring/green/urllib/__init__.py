"""The stdlib's `urllib` for green threads."""
