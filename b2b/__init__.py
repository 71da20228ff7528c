"""b2b proves that calls carry their audio."""

__version__ = "0.1.0"
