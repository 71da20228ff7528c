"""Impairment in the plan: what a bad network does to a call, made on purpose, by a seed, and written down.

`table` reads `[impair]`; `decide` says what happens to each packet and `lane` when it goes on, both without a clock;
`router` knows whose a packet is; `process` lets the run's packets through; `ledger` is what it did to them.
"""
