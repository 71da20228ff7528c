"""Where things are, and how long a test may wait for them."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SAMPLE = REPOSITORY / "fixtures" / "sample.mp3"
PATIENCE_S = 40.0  # for what takes a second on an idle machine
CAPTURES = Path(os.environ.get("B2B_CAPTURES", REPOSITORY.parent / "shared" / "captures"))  # that others made, if any
