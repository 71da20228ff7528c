"""Faults made on purpose, in files and in real calls, and whether the checks find each of them and nothing else.

What makes a fault knows nothing of what finds it: the sound, the packets and the sums behind them are its own.
"""
