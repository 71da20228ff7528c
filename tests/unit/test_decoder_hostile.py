"""Files that are not what their names say."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from b2b import clock
from b2b.audio.decoder import Decoder
from b2b.errors import AudioError

PLAYLISTS = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{place}\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile {place}\n",
    "[playlist]\nFile1={place}\nLength1=10\nNumberOfEntries=1\nVersion=2\n",
)


@pytest.mark.parametrize("playlist", PLAYLISTS, ids=["hls", "concat", "pls"])
def test_a_playlist_by_the_name_of_a_sound_file_fetches_nothing(tmp_path: Path, playlist: str) -> None:
    """A file may come from anybody; whatever it says, ffmpeg asks nobody on the network."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        path = tmp_path / "sample.mp3"
        path.write_text(playlist.format(place=f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"))
        with pytest.raises(AudioError), Decoder(path, ahead_ms=100) as decoder:
            decoder.wait_filled(clock.Deadline.after(20))
        with pytest.raises(BlockingIOError):
            server.accept()
