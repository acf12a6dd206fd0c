"""The benchmarks of Mainspring: `python -m benchmarks COMMAND`; see README.md beside this file."""
