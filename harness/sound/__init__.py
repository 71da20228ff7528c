"""What a listener heard: against the file that was played, and by itself."""

from harness.sound.files import SoundError, decode, read_wav
from harness.sound.g711 import RATE
from harness.sound.hearing import Gap, Hearing, Kind, compare
from harness.sound.level import Level, measure

__all__ = ["RATE", "Gap", "Hearing", "Kind", "Level", "SoundError", "compare", "decode", "measure", "read_wav"]
