"""The commands that the harness adds to b2b."""
