"""Other libraries' own test suites, run on this loop and on asyncio's."""
