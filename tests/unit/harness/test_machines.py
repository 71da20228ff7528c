"""Roles on other machines: whose capture a packet is taken from, and what was there by the clock of here."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from dpkt.ip import IP
from dpkt.pcap import Writer
from dpkt.udp import UDP

from b2b.errors import UsageError
from b2b.plan.load import load_plan
from harness.call import Call
from harness.capture import DLT_RAW, Capture
from harness.gathered import gather
from harness.machines import machines_of
from harness.wire.read import read_datagrams

HERE, LAB1, LAB2, OUTSIDE = "192.0.2.1", "192.0.2.11", "192.0.2.12", "198.51.100.9"
AHEAD_S = {"lab1": 100.0, "lab2": -3600.5}
PLAN = f"""
[topology]
source = {{ sip_bind = "{HERE}:5061", sip_target = "sip:mixer", audio_file = "a.wav" }}
mixer = {{ host = "lab1", sip_bind = "{LAB1}:5063", sip_target = "sip:sink" }}
sink = {{ host = "lab2", sip_bind = "{LAB2}:5062" }}
"""


def packet(src: str, dst: str, what: str) -> bytes:
    """Return an IPv4 packet with UDP."""
    data = UDP(sport=4000, dport=5000, data=what.encode(), ulen=8 + len(what))
    return bytes(IP(src=socket.inet_aton(src), dst=socket.inet_aton(dst), p=17, data=data, len=20 + len(data)))


def write(path: Path, packets: list[tuple[float, bytes]], *, cut: int = 0) -> None:
    """Write a capture, of which the last octets are cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = Writer(file, linktype=DLT_RAW, nano=True)
        for time_s, data in packets:
            writer.writepkt(data, ts=time_s)
    if cut:
        path.write_bytes(path.read_bytes()[:-cut])


@pytest.fixture
def run(tmp_path):
    """A run folder with a source here, a mixer on lab1 and a sink on lab2, whose clocks are wrong."""
    (tmp_path / "plan.toml").write_text(PLAN)
    hosts = {}
    for name, node, address in (("lab1", "mixer", LAB1), ("lab2", "sink", LAB2)):
        folder = tmp_path / "hosts" / name
        folder.mkdir(parents=True)
        (folder / "host.jsonl").touch()
        (folder / "capture.json").write_text(json.dumps({"packets": 1, "drops": 0, "refusal": ""}))
        hosts[name] = {
            "folder": f"hosts/{name}", "host": f"{name}.example", "nodes": [node], "addresses": [address],
            "clock": {"at_s": 9000.0, "ahead_s": AHEAD_S[name], "rate": 0.0, "uncertain_s": 0.001},
        }  # fmt: skip
    (tmp_path / "hosts.json").write_text(json.dumps(hosts))
    return tmp_path


def gathered(run: Path, *, refusal: str = "") -> tuple[Capture, list[tuple[str, str, bytes, float]]]:
    """Put the captures of a run together."""
    plan = load_plan(run / "plan.toml", known_tables=(), to_run=False)
    came = gather(run, plan, Capture(1, 0, refusal), machines_of(run))
    packets = [(one.src, one.dst, one.payload, round(one.time_s, 6)) for one in read_datagrams(run / "capture.pcap")]
    return came, packets


def test_each_packet_is_there_once_from_where_it_arrived(run):
    """At the time that it was here then, and in that order."""
    to, on, back, away = (
        packet(*way, what)
        for way, what in (((HERE, LAB1), "to"), ((LAB1, LAB2), "on"), ((LAB1, HERE), "back"), ((LAB1, OUTSIDE), "away"))
    )
    write(run / "capture.pcap", [(9000.0, to), (9003.25, back)])
    write(run / "hosts/lab1/capture.pcap", [(9100.5, to), (9101.0, on), (9103.0, back), (9104.0, away)])
    write(run / "hosts/lab2/capture.pcap", [(9002.0 + AHEAD_S["lab2"], on)])
    came, packets = gathered(run)
    assert packets == [
        (HERE, LAB1, b"to", 9000.5),
        (LAB1, LAB2, b"on", 9002.0),
        (LAB1, HERE, b"back", 9003.25),
        (LAB1, OUTSIDE, b"away", 9004.0),
    ]
    assert (came.packets, came.drops, came.refusal) == (4, 0, "")
    assert [one.payload for one in read_datagrams(run / "capture-here.pcap")] == [b"to", b"back"]


def test_what_was_lost_on_its_way_is_not_there(run):
    """Though it was sent."""
    packets = [packet(HERE, LAB1, str(number)) for number in range(4)]
    write(run / "capture.pcap", [(9000.0 + number, one) for number, one in enumerate(packets)])
    write(run / "hosts/lab1/capture.pcap", [(9100.0 + number, packets[number]) for number in (0, 1, 3)])
    assert [payload for _, _, payload, _ in gathered(run)[1]] == [b"0", b"1", b"3"]


def test_a_machine_that_may_not_capture_is_told_of(run):
    """What was sent there is taken from where it was sent, and nobody is to take it for what arrived."""
    write(run / "capture.pcap", [(9000.0, packet(HERE, LAB1, "to"))])
    notes = {"packets": 0, "drops": 2, "refusal": "Operation not permitted"}
    (run / "hosts/lab1/capture.json").write_text(json.dumps(notes))
    write(run / "hosts/lab2/capture.pcap", [])
    came, packets = gathered(run)
    assert packets == [(HERE, LAB1, b"to", 9000.0)]
    assert (came.drops, came.refusal) == (2, "lab1: Operation not permitted")


def test_a_capture_that_was_cut_off_has_what_came_before(run):
    """As when the connection was lost; that there is no more is told."""
    write(run / "capture.pcap", [])
    packets = [(9100.0 + number, packet(HERE, LAB1, str(number))) for number in (1, 2)]
    write(run / "hosts/lab1/capture.pcap", packets, cut=3)
    (run / "hosts/lab1/capture.json").unlink()
    (run / "hosts/lab2/capture.pcap").write_bytes(b"")
    came, packets = gathered(run, refusal="no root")
    assert [payload for _, _, payload, _ in packets] == [b"1"]
    assert came.refusal == "no root; lab1: its capture did not come home as a whole"


def test_what_a_machine_kept_from_running_is_known_by_our_clock(run):
    """Its stalls are everybody's, its waits those of the roles there, whatever their numbers are here."""
    stall = {"start_s": 9100.25, "length_s": 0.05}
    wait = {"start_s": 9101.0, "end_s": 9101.03, "length_s": 0.02, "group": 7, "thread": 8, "of_role": False}
    (run / "hosts/lab1/host.jsonl").write_text(f"{json.dumps(stall)}\n{json.dumps(wait)}\n")
    started = [{"wall_s": 1.0, "event": "started", "node": "source", "pid": 7},
               {"wall_s": 1.0, "event": "started", "node": "mixer", "pid": 7, "host": "lab1"}]  # fmt: skip
    (run / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in started))
    call = Call(run)
    assert call.groups == {7: "source"}
    assert [(one.start_s, one.length_s) for one in call.host.stalls] == [(9000.25, 0.05)]
    assert [(one.start_s, one.end_s) for one in call.host.waits["mixer"]] == [(9001.0, 9001.03)]
    assert "source" not in call.host.waits


def test_a_machine_that_nobody_watched_makes_us_blind(run):
    """And one whose clock is not known, or was set, leaves no time to go by."""
    assert not Call(run).host.blind
    assert not Call(run).clock_set
    (run / "hosts/lab2/host.jsonl").unlink()
    assert Call(run).host.blind == "lab2: nothing of that came home"
    (run / "hosts/lab1/host.jsonl").write_text('{"clock_set_s": 5.0}\n')
    assert Call(run).clock_set == "lab1: the clock was set by +5.000 s"
    noted = json.loads((run / "hosts.json").read_text())
    noted["lab2"]["clock"] = None
    (run / "hosts.json").write_text(json.dumps(noted))
    assert Call(run).clock_set.endswith("; lab2: nothing is known of its clock")


@pytest.mark.parametrize("change", [
    {"folder": "/etc"}, {"folder": "../.."}, {"folder": 3}, {"nodes": "sink"}, {"addresses": [3]}, {"host": None},
    {"clock": {"at_s": "x"}}, {"clock": 3},
])  # fmt: skip
def test_a_note_that_is_damaged_is_told(run, change):
    noted = json.loads((run / "hosts.json").read_text())
    noted["lab2"] |= change
    (run / "hosts.json").write_text(json.dumps(noted))
    with pytest.raises(UsageError, match=r"hosts\.json: lab2 is not what the orchestrator writes there"):
        machines_of(run)
