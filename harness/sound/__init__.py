"""What a listener heard: against the file that was played, and by itself."""

from harness.sound.files import SoundError, decode, read_sound, read_wav
from harness.sound.g711 import RATE
from harness.sound.gaps import Gap, Kind
from harness.sound.hearing import Hearing, compare
from harness.sound.level import Level, measure
from harness.sound.segments import Segment
from harness.sound.tones import DigitLevel

__all__ = [
    "RATE", "DigitLevel", "Gap", "Hearing", "Kind", "Level", "Segment", "SoundError", "compare", "decode", "measure",
    "read_sound", "read_wav",
]  # fmt: skip
