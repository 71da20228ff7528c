"""The fault matrix: who is hit by what, and when, and what must become of the run.

`stories` says what happens and what is expected, as data; `faults` makes it happen to real processes; `play` makes the
call; `examine` looks at what is left. `python -m matrix` makes all of it, and the table of docs/faults.md.
"""
