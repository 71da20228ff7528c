"""Files on their way: while they grow, in pieces, into their own places and no others."""

from __future__ import annotations

import pytest

from b2b.far.files import Sending, Taking
from b2b.far.messages import PIECE, NonsenseError, encode, parse, piece


@pytest.fixture
def way(tmp_path):
    """A folder there, a folder here, what sends and what takes, and how the one reaches the other."""
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there, here):
        folder.mkdir()
    taking = Taking(lambda name: None if name == "other" else here / name)

    def deliver(line: bytes) -> None:
        message = parse(line)
        (taking.piece if message["is"] == "piece" else taking.whole)(message)

    return there, here, Sending(there, deliver, but=there / ".files"), taking


def test_a_file_that_grows_is_here_as_far_as_it_is_there(way):
    """And what was written at its beginning meanwhile, as the length in a WAV file's head is."""
    there, here, sending, taking = way
    with (there / "ear.wav").open("wb", buffering=0) as file:
        for octets in (1, PIECE, 3 * PIECE + 7):
            file.write(b"x" * octets)
            file.seek(0)
            file.write(octets.to_bytes(8, "little"))
            file.seek(0, 2)
            sending.growth("*.wav")
            assert (here / "ear.wav").read_bytes() == (there / "ear.wav").read_bytes()
    assert taking.cut_off == ["ear.wav"]
    sending.rest()
    assert not taking.cut_off
    assert not taking.trouble


def test_the_rest_is_all_but_what_was_brought(way):
    """Empty files and those in folders too; a pipe is none."""
    there, here, sending, taking = way
    for name in ("ear/role.log", "ear/empty", ".host/capture.pcap", ".files/sound.mp3"):
        (there / name).parent.mkdir(exist_ok=True)
        (there / name).write_bytes(b"" if name == "ear/empty" else name.encode())
    (there / "link").symlink_to("/etc/hostname")
    sending.rest()
    came = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    assert came == {"ear/role.log", "ear/empty", ".host/capture.pcap"}
    assert (here / "ear").stat().st_mode & 0o777 == 0o700
    assert not taking.trouble


def test_what_is_not_whole_is_told(way):
    _there, _here, _sending, taking = way
    taking.piece(parse(piece("ear.wav", 0, b"abc")))
    taking.whole(parse(encode("whole", file="ear.wav", size=5)))
    assert taking.trouble == "ear.wav is not whole: wanted 5 octets, came 3"


def test_what_cannot_be_written_is_told_once(way):
    """And what comes after it is no nonsense."""
    _there, here, _sending, taking = way
    (here / "ear.wav").mkdir()
    for at in (0, 3):
        taking.piece(parse(piece("ear.wav", at, b"abc")))
    assert taking.trouble == "ear.wav could not be written: Is a directory"


@pytest.mark.parametrize(("line", "says"), [
    (piece("other", 0, b"abc"), "wanted a file of the run, came 'other'"),
    (piece("ear.wav", 7, b"abc"), "wanted the next piece of ear.wav, came one at 7"),
    (piece("ear.wav", -1, b"abc"), "wanted the next piece of ear.wav, came one at -1"),
    (encode("piece", file="ear.wav", at=0, data="no base64!"), "wanted a piece of a file in base64, came something"),
    (encode("piece", file="ear.wav", at="0", data=""), "wanted a whole number as at of 'piece', came '0'"),
    (encode("piece", file="ear.wav", at=True, data=""), "wanted a whole number as at of 'piece', came True"),
    (encode("piece", file=["ear.wav"], at=0, data=""), "wanted a text as file of 'piece', came ['ear.wav']"),
    (encode("piece", at=0, data=""), "wanted a text as file of 'piece', came None"),
])  # fmt: skip
def test_nonsense_is_refused(way, line, says):
    _there, here, _sending, taking = way
    with pytest.raises(NonsenseError) as refused:
        taking.piece(parse(line))
    assert says in str(refused.value)
    assert not list(here.iterdir())
