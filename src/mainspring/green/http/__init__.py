"""The stdlib's `http` for green threads."""
