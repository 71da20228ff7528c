"""Judges calls: capture, analysis and reports (grows beside b2b and never the other way round)."""
