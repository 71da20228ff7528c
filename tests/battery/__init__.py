"""A battery for DTMF detectors: sounds with a known answer, from the standards' limits and from the field.

It knows nothing of any detector: one is a function from 16-bit samples at 8 kHz to the digits in them, as text.
"""
