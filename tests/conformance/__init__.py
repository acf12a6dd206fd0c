"""CPython's own asyncio tests, bound to any event loop and scored."""
