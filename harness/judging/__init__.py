"""From what was captured and recorded to a verdict: of a run, of a capture by itself, of a recording by itself."""
