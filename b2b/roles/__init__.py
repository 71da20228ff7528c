"""The roles that take part in a call: source, mixer and sink."""
