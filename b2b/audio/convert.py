"""An audio file in the form that a device plays: 8 kHz mono as WAV, as headerless G.711, or as a capture of RTP."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from b2b import child
from b2b.audio import rtp_pcap
from b2b.audio.decoder import ffmpeg_command, last_words
from b2b.errors import AudioError

FORMATS = {".wav": ("-f", "wav"), ".ul": ("-f", "mulaw"), ".al": ("-f", "alaw")}


def convert(source: Path, target: Path) -> None:
    """Write the file's first audio stream as the target's suffix says. Raises AudioError where ffmpeg cannot."""
    if target.suffix == ".pcap":
        raw = target.with_suffix(".al")
        convert(source, raw)
        rtp_pcap.write(raw.read_bytes(), target)
        return
    *command, _format, _s16, _pipe = ffmpeg_command(source)
    words = os.memfd_create("ffmpeg-words")
    try:
        command += [*FORMATS[target.suffix], "-y", f"file:{target}"]
        process = child.start(command, stdout=subprocess.DEVNULL, stderr=words)
        if code := process.wait():
            said = last_words(words) or child.how_it_ended(code)
            raise AudioError(f"{source}: ffmpeg could not convert it to {target.name}: {said}")
    except FileNotFoundError as error:
        raise AudioError("ffmpeg is not installed; `sudo apt-get install ffmpeg` installs it") from error
    finally:
        os.close(words)
