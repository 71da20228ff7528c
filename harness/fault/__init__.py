"""Whose fault a gap is: who made it, where, and by what evidence. Pure: values in, a Cause out.

A gap on the wire is the sender's, the network's or our own machine's (wire.py, host.py). What is missing in a recording
is followed back over the hops to where it was first missing (heard.py). "Could not tell" is an answer.
"""
