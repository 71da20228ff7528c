"""An audio file as a file of its own in the form that a device plays: 8 kHz mono, WAV or headerless G.711."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from b2b import child
from b2b.audio.decoder import ffmpeg_command, last_words
from b2b.errors import AudioError

FORMATS = {".wav": ("-f", "wav"), ".ul": ("-f", "mulaw"), ".al": ("-f", "alaw")}


def convert(source: Path, target: Path) -> None:
    """Write the file's first audio stream as the target's suffix says. Raises AudioError where ffmpeg cannot."""
    *command, _format, _s16, _pipe = ffmpeg_command(source)
    words = os.memfd_create("ffmpeg-words")
    try:
        command += [*FORMATS[target.suffix], f"file:{target}"]
        process = child.start(command, stdout=subprocess.DEVNULL, stderr=words)
        if code := process.wait():
            said = last_words(words) or child.how_it_ended(code)
            raise AudioError(f"{source}: ffmpeg could not convert it to {target.name}: {said}")
    except FileNotFoundError as error:
        raise AudioError("ffmpeg is not installed; `sudo apt-get install ffmpeg` installs it") from error
    finally:
        os.close(words)
