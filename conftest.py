"""Marks the root of the project for pytest, brings pytester, which tests the plugin, and tests as at a user's desk.

Where a machine has Python unbuffered, what a buffer does to a program whose reader has gone would not be seen; and what
a shell runs in the background, as all that this starts, would not hear Ctrl-C.
"""

import os
import signal

pytest_plugins = ["pytester"]
os.environ.pop("PYTHONUNBUFFERED", None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
