"""Workers of pytest-xdist on other machines: what they are told, and how what they made comes home.

The controller gives each a channel of its own beside xdist's, over the same connection (`hosts`, `receive`); the worker
sends its files along it (`send`).
"""

from __future__ import annotations

KEY = "b2b"  # of what xdist hands to a worker
PLUGIN = "b2b-lab"  # by which name pytest knows the part of it that is in this process
RUN, ALLURE = "run", "allure"  # the two places that files go to: the folder of the runs, and Allure's results
