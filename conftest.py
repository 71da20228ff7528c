"""Marks the root of the project for pytest, which thereby lets the tests import `tests.…`."""
