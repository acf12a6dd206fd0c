"""The normative iteration as plain Python, and the fakes that single-step it."""
