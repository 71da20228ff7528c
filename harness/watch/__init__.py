"""A call while it runs: what is going on, read from its run folder as it grows, and shown in the terminal."""
