"""`memory://`: a broker in this process, for every loop and thread of it."""
