"""Subprocesses: how a child's end is noticed, and asyncio's transport for a child and its pipes."""
