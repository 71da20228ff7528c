"""Two baresips that call each other without b2b: what this machine does to a plain call."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

PORTS = (5070, 5080)
RTP_PORTS = range(30000, 30101)
APART = 102  # ports from those of one pair to the next one's
CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
rtp_ports {rtp_first}-{rtp_last}
audio_source aufile,{tone}
audio_player aubridge,unused
audio_alert aubridge,unused
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_txmode thread
statmode_default off
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module aufile.so
module_tmp account.so
module_app menu.so
"""


@contextlib.contextmanager
def bare_pair(seconds: float, *, number: int = 0) -> Iterator[None]:
    """Let two baresips play a tone to each other while the block lasts; pairs of other numbers have other ports."""
    first, last = RTP_PORTS[0] + APART * number, RTP_PORTS[-1] + APART * number
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        tone = write_tone(Path(folder) / "tone.wav", seconds + 20)
        callee, _caller = ports = [port + APART * number for port in PORTS]
        for port in ports:
            own = Path(folder) / str(port)
            own.mkdir()
            text = CONFIG.format(port=port, tone=tone, rtp_first=first, rtp_last=last)
            (own / "config").write_text(text)
            account = f"<sip:u{port}@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcmu\n"
            (own / "accounts").write_text(account)
            dial = [] if port == callee else ["-e", f"/dial sip:u{callee}@127.0.0.1:{callee}"]
            process = subprocess.Popen(
                ["baresip", "-f", own, *dial], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield


def write_tone(path: Path, seconds: float) -> Path:
    """Write a tone that baresip's aufile can play."""
    samples = (8000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 8000)) / 8000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path
