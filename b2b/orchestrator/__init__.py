"""The orchestrator: a plan's roles as processes, from the first READY to the summary."""
