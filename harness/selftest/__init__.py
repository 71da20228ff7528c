"""The checks, checked: clean calls, and the same with faults made on purpose, each of which must be found."""
