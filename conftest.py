"""Marks the root of the project for pytest, brings pytester, which tests the plugin, and has Python buffer its output.

Where a machine has it unbuffered, what a buffer does to a program whose reader has gone would not be seen.
"""

import os

pytest_plugins = ["pytester"]
os.environ.pop("PYTHONUNBUFFERED", None)
