"""Finds DTMF digits in a recording, also under speech; and nothing else that only sounds like them."""

from harness.dtmf.detector import detect
from harness.dtmf.digit import Digit
from harness.dtmf.streaming import StreamingDetector

__all__ = ["Digit", "StreamingDetector", "detect"]
