"""A baresip that could not even be configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2b.baresip.process import Baresip
from b2b.errors import B2bError


def test_a_folder_that_cannot_be_written():
    """It is said which, and ending what never began is no error."""
    folder = Path("/dev/null/role")
    baresip = Baresip(address="127.0.0.1", own_group=True, work_dir=folder, on_line=print, on_stranger=print)
    with pytest.raises(B2bError, match="cannot write baresip's configuration to /dev/null/role: Not a directory"):
        baresip.start({"config": ""})
    baresip.stop()
