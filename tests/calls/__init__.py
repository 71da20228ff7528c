"""What tests that make real calls have in common: commands, processes, recordings, runs."""
