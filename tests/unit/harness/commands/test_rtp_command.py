"""`b2b rtp`: what it says of captures, and of what is none."""

from __future__ import annotations

import json
import os

import pytest

from b2b.cli.app import run
from b2b.logs import CONTROL
from calls.synthetic import make_run

WANTED = {
    "src": str, "sport": int, "dst": str, "dport": int, "ssrc": int, "payload_types": list, "packets": int,
    "expected": int, "lost": int, "duplicates": int, "max_delta_ms": float, "jitter_mean_ms": float,
    "jitter_max_ms": float,
}  # fmt: skip


@pytest.fixture
def rtp(capsys):
    """Return a function that runs the command: exit code, output, errors."""

    def rtp(*arguments: object):
        code = run(["rtp", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return rtp


@pytest.fixture
def capture(tmp_path):
    """Return a capture of one call, of whose 500 packets seven got lost: two in a row, and five in ten."""
    make_run(tmp_path, seconds=10, lost=(50, 51, 200, 202, 204, 206, 208))
    return tmp_path / "capture.pcap"


def test_json_has_every_stream_of_every_file(rtp, capture):
    """Under the names that others rely on."""
    code, out, _ = rtp(capture, "--json")
    (stream,) = json.loads(out)[str(capture)]
    assert code == 0
    assert {name: type(stream[name]) for name in WANTED} == WANTED
    assert (stream["src"], stream["sport"], stream["dst"], stream["dport"]) == ("127.0.0.1", 10000, "127.0.0.1", 20000)
    assert (stream["packets"], stream["expected"], stream["lost"]) == (493, 500, 7)
    assert (stream["bursts"], stream["longest_run_lost"], stream["mean_burst"]) == (2, 2, 5.5)
    assert stream["max_gap_timestamp_ms"] == 60
    assert stream["leg"] == "127.0.0.1:5060 -> 127.0.0.1:5062"
    assert 1 < stream["mos_lqe"] < 4.4
    assert abs(stream["skew_ppm"] or 0) < 1
    assert (stream["one_way"], stream["ssrc_before"], stream["after_bye"]) == (True, None, 0)


def test_the_table_is_for_people(rtp, capture):
    """One line for a stream under a head; a direction that ought to carry sound and does not is said."""
    code, out, _ = rtp(capture)
    head, row, note = out.splitlines()
    assert code == 0
    assert head.split()[:4] == ["source", "destination", "SSRC", "payload"]
    assert row.startswith("127.0.0.1:10000  127.0.0.1:20000  0x00000007  0 PCMU")
    assert "7 (1.4 %)" in row
    assert "2 bursts" in row
    assert note.startswith("one-way audio: 127.0.0.1:5062 -> 127.0.0.1:5060 of call x was to carry sound")


def test_one_of_a_kind_is_said_in_the_singular(rtp, tmp_path):
    """As a person would."""
    make_run(tmp_path, lost=(50, 51))
    assert rtp(tmp_path / "capture.pcap")[1].splitlines()[1].endswith("  1 burst")


def test_a_file_that_is_no_capture_does_not_hide_the_others(rtp, capture, tmp_path):
    """64, and a sentence for each."""
    (tmp_path / "text").write_text("hello, this is no capture at all")
    code, out, err = rtp(tmp_path / "text", tmp_path / "none.pcap", capture)
    assert code == 64
    assert f"{capture}:" in out
    assert "0x00000007" in out
    complaints = err.splitlines()
    assert len(complaints) == 2
    assert complaints[0].startswith(f"Error: {tmp_path / 'text'}: ")
    assert complaints[1] == f"Error: {tmp_path / 'none.pcap'}: No such file or directory"


def test_a_damaged_capture_is_read_as_far_as_it_goes(rtp, capture):
    """With a warning."""
    content = capture.read_bytes()
    capture.write_bytes(content[: len(content) // 2 + 7])
    code, out, err = rtp(capture)
    assert code == 0
    assert "0x00000007" in out
    assert err.startswith(f"Warning: {capture}: damaged: ")


def test_a_capture_without_rtp(rtp, capture):
    """Says so; as JSON it is an empty list."""
    capture.write_bytes(capture.read_bytes()[:24])
    assert rtp(capture) == (0, "no RTP\n", "")
    assert json.loads(rtp(capture, "--json")[1]) == {str(capture): []}


def test_no_file_at_all(rtp):
    """Is a usage error."""
    code, _, err = rtp()
    assert code == 64
    assert "FILE.pcap" in err


def test_what_is_no_file_is_not_waited_for(rtp, tmp_path):
    """A pipe that nobody writes to would never end, and a device neither."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        code, out, err = rtp(path)
        assert (code, out) == (64, "")
        assert "wanted a file, and it is none" in err


def test_a_codec_by_the_name_of_a_terminals_command(rtp, tmp_path):
    """Nothing that a peer wrote is obeyed by the terminal that shows it."""
    call = make_run(tmp_path)
    pcap = call.folder / "capture.pcap"
    evil = pcap.read_bytes().replace(b"s=-\r\n", b"s=\x1b[2J\r\n")
    pcap.write_bytes(evil.replace(b"Call-ID: x", b"Call-ID: \x9b"))
    for more in ((), ("--json",)):
        code, out, _ = rtp(pcap, *more)
        assert code == 0
        assert not CONTROL.search(out)
