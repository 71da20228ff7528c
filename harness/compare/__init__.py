"""Runs beside each other: what two of them differ in, and what many of them have come to over time."""
