"""A capture on a disk that is full."""

from __future__ import annotations

import threading
from pathlib import Path

from harness.capture import Capture, _record
from harness.judging.edges import check_edges
from harness.judging.wire import Circumstances


class Packets:
    """A sniffer with some packets."""

    def queued(self):
        """Yield one."""
        yield 1.0, bytes(20)

    def drops(self):
        """None."""
        return 0


def test_a_capture_that_cannot_be_written():
    """It says why, so that nobody takes what is there for all there was."""
    capture, ended = Capture(), threading.Event()
    ended.set()
    _record(Packets(), ended, Path("/dev/full"), lambda packet: True, capture)
    assert capture.refusal == "full could not be written: No space left on device"


def test_a_part_of_a_capture_judges_nothing():
    """As one that lacks packets."""
    known = Circumstances(file="capture.pcap", broken="capture.pcap could not be written: No space left on device")
    assert not known.whole
    assert not list(check_edges(None, None, 40, known, ended_at_s=None))
