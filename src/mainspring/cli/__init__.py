"""The `mainspring` command: run a program on this loop, show it, measure it."""
