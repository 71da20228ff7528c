"""What comes to the media port beside RTP: STUN and RTCP, told apart by their first octets (RFC 7983, RFC 5761)."""

from __future__ import annotations

import shutil
import struct
from collections import Counter
from pathlib import Path

import dpkt
import pytest

from b2b.audio.convert import convert
from calls.places import REPOSITORY, SAMPLE

pytestmark = pytest.mark.skipif(not shutil.which("sipp"), reason="the package sip-tester is not installed")

SCENARIO = REPOSITORY / "plans" / "peers" / "sipp" / "pcap.xml"
CALLER = """
[topology.sipp]
role = "external"
address = "127.0.0.1:5064"
calls = "sink"
audio_file = "{sample}"
files."call.xml" = "{scenario}"
command = ["sipp", "-sf", "{{run_dir}}/call.xml", "-i", "{{ip}}", "-mi", "{{ip}}", "-p", "{{port}}", "-m", "1",
  "-s", "b2b", "-timeout", "30", "-timeout_error", "-nostdin", "{{sink.address}}"]

[topology.sink]
sip_bind = "127.0.0.1:5062"
codec = "pcma"

[expect]
codec = "PCMA"
max_gap_ms = 400
max_lost = 0
sink.max_heard_gap_ms = 400
"""
COOKIE = bytes.fromhex("2112a442")  # of STUN, RFC 5389 section 6
BINDING_REQUEST = struct.pack("!HH4s12s", 0x0001, 0, COOKIE, b"b2b's device")
SENDER_REPORT = struct.pack("!BBHIQIII", 0x80, 200, 6, 0xB2B, 0xEE000000 << 32, 8000, 33, 33 * 240)
BYE_OF_ANOTHER = struct.pack("!BBHI", 0x81, 203, 1, 0xBAD)
BESIDE = (BINDING_REQUEST, SENDER_REPORT, BYE_OF_ANOTHER)
EVERY = 10  # packets of RTP: 300 ms


def with_others(rtp: Path, target: Path) -> None:
    """Write a capture of RTP again, with a datagram of each other protocol after every tenth packet."""
    with rtp.open("rb") as source, target.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for number, (at, frame) in enumerate(dpkt.pcap.Reader(source)):
            writer.writepkt(frame, at)
            for payload in BESIDE if number % EVERY == 0 else ():
                ethernet = dpkt.ethernet.Ethernet(frame)
                ethernet.ip.udp.data = payload
                ethernet.ip.udp.ulen = len(ethernet.ip.udp)
                ethernet.ip.len = len(ethernet.ip)
                writer.writepkt(bytes(ethernet), at)


def came(capture: Path) -> Counter[bytes]:
    """Count what a run's capture has of each."""
    with capture.open("rb") as file:
        frames = [frame for _at, frame in dpkt.pcap.Reader(file)]
    return Counter(payload for frame in frames for payload in BESIDE if frame.endswith(payload))


def test_stun_and_rtcp_between_the_packets(judged_call, tmp_path):
    """They are neither sound nor loss, and the caller is heard to the end."""
    convert(SAMPLE, tmp_path / "speech.pcap")
    with_others(tmp_path / "speech.pcap", tmp_path / "mixed.pcap")
    scenario = SCENARIO.read_text().replace("{audio_pcap}", str(tmp_path / "mixed.pcap"))
    (tmp_path / "call.xml").write_text(scenario.replace('milliseconds="6000"', 'milliseconds="4000"'))
    run, checks = judged_call(CALLER.format(sample=SAMPLE, scenario=tmp_path / "call.xml"))
    assert not [check for check in checks if check["outcome"] != "pass"]
    assert run.process.returncode == 0, run.output
    counts = came(tmp_path / "run" / "capture.pcap")
    assert set(counts) == set(BESIDE)
    assert min(counts.values()) > 8
