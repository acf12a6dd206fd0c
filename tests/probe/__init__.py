"""What CPython's tasks and futures show about who waits for whom."""
