"""Other libraries' interfaces on this loop: programs written for them run on it as they are."""
