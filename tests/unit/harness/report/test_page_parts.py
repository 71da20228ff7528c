"""What a page is made of, part by part."""

from __future__ import annotations

import json

import numpy as np
import pytest

from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve
from calls.synthetic import make_run
from harness.report.page import chains, charts, encode, files, ladder, log
from harness.report.page.hops import Hop, as_captured
from harness.report.page.sound import carry
from harness.report.page.tracks import Sound, Way, draw
from harness.report.page.view import Box, Chain, Track
from harness.sound.g711 import RATE
from harness.verdict import Check, Outcome
from harness.wire.audio import Audio
from harness.wire.sip import Address, Sighting, parse_sip

PACKET = 160
OUTSIDE = 'source = {{ sip_target = "sip:{}", audio_file = "x.wav" }}\nsink.sip_bind = "10.0.0.2:5062"'


def audio(times_s):
    """Return the sound of packets that came at those times, each full of its own number."""
    places = PACKET * np.arange(len(times_s))
    samples = np.repeat(np.arange(1, len(times_s) + 1, dtype=np.int16), PACKET)
    return Audio(
        samples=samples, came=np.ones(len(samples), bool), places=places, seqs=np.arange(len(times_s)),
        times_s=np.array(times_s),
    )  # fmt: skip


@pytest.mark.parametrize(("words", "shown"), [
    ("\x1b[31mred\x1b[0m plain", "red plain"),
    ("\x1b]0;title\x07after", "after"),
    ("bell\x07 null\x00", "bell\\x07 null\\x00"),
    ("turned \u202eround", "turned \\x202eround"),
    ("two\r\nlines\tand a tab", "two\nlines\tand a tab"),
    ("über ✓ <b>", "über ✓ <b>"),
])  # fmt: skip
def test_text_of_others(words, shown):
    """A terminal's escapes go, what cannot be seen is told, the rest stays."""
    assert encode.plain(words) == shown


def test_numbers_come_back():
    """Little-endian, as browsers have them."""
    import base64

    values = np.array([0.5, -3.25, 1e6])
    assert np.frombuffer(base64.b64decode(encode.floats(values)), "<f4").tolist() == values.tolist()


def test_sound_after_a_stall_lies_where_it_was_captured():
    """Its timestamps know nothing of the stall."""
    steady = 0.02 * np.arange(200)
    assert np.array_equal(as_captured(audio(steady)), audio(steady).samples)
    stalled = steady + np.where(np.arange(200) >= 100, 0.5, 0.0)
    laid = as_captured(audio(stalled))
    assert len(laid) == 200 * PACKET + RATE // 2
    assert laid[100 * PACKET - 1] == 100
    assert not laid[100 * PACKET : 100 * PACKET + RATE // 2].any()
    assert laid[100 * PACKET + RATE // 2] == 101


def test_sound_that_caught_up_stays_where_it_belongs():
    """Packets that were held up on the way were sent in time."""
    steady = 0.02 * np.arange(200)
    held = np.where((np.arange(200) >= 100) & (np.arange(200) < 115), 0.02 * 115, steady)
    assert np.array_equal(as_captured(audio(held)), audio(held).samples)


def test_delays_along_a_way():
    """The file lies where it was first captured, and each sound says how long after that it is."""
    rng = np.random.default_rng(1)
    file = rng.normal(0, 3000, 3 * RATE).astype(np.int16)
    hop = Sound(track=Track(id="h", title="a → b", kind="hop", start_s=0.2), samples=file, where="a -> b")
    heard = np.concatenate([np.zeros(RATE // 2, np.int16), file // 2])
    sink = Sound(track=Track(id="s", title="b heard", kind="recording", start_s=0.1), samples=heard, where="b")
    source = Sound(track=Track(id="f", title="a played", kind="file"), samples=file)
    other = Sound(track=Track(id="o", title="else", kind="hop", start_s=0.0), samples=file[::-1].copy(), where="x")
    drawn = draw([Way(source, [hop, other, sink])], [], [], limit_ms=40, origin_s=0)
    by_id = {track.id: track for track in drawn.tracks}
    assert by_id["f"].start_s == pytest.approx(0.2)
    assert by_id["h"].delay_s == pytest.approx(0)
    assert by_id["s"].delay_s == pytest.approx(0.4)
    assert by_id["o"].delay_s is None, "another sound has none"


def test_the_delay_is_that_of_the_beginning():
    """A stall that moves all that comes after it, however much that is, does not change where the file began."""
    file = np.random.default_rng(1).normal(0, 3000, 12 * RATE).astype(np.int16)
    stalled = np.concatenate([np.zeros(800, np.int16), file[: 4 * RATE], np.zeros(4000, np.int16), file[4 * RATE :]])
    sink = Sound(track=Track(id="s", title="heard", kind="recording"), samples=stalled, where="b")
    crossed = Sound(track=Track(id="h", title="hop", kind="hop"), samples=file, where="a -> b")
    source = Sound(track=Track(id="f", title="played", kind="file"), samples=file)
    drawn = draw([Way(source, [crossed, sink])], [], [], limit_ms=40, origin_s=0)
    assert [track.delay_s for track in drawn.tracks] == pytest.approx([0, 0, 0.1])


def test_the_ladder_knows_nodes_and_copies():
    """Who has no name goes by the address; what is sent again is marked."""
    text = "OPTIONS sip:b SIP/2.0\r\nCSeq: 1 OPTIONS\r\nCall-ID: x\r\n\r\n"
    asks = parse_sip(text.encode())
    answers = parse_sip(b"SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\nCall-ID: x\r\n\r\n")
    here, there = Address("10.0.0.1", 5060), Address("10.0.0.2", 5070)
    sent = [Sighting(5.0, here, there, asks), Sighting(5.5, here, there, asks), Sighting(5.6, there, here, answers)]
    found = ladder.ladder(sent, {"sink": "10.0.0.2:5070"}, 5.0)
    assert list(found.participants) == ["10.0.0.1:5060", "sink"]
    assert [(one.src, one.dst, one.title, one.again) for one in found.messages] == [
        (0, 1, "OPTIONS", False), (0, 1, "OPTIONS", True), (1, 0, "200 OK (OPTIONS)", False),
    ]  # fmt: skip
    assert found.messages[0].text == text.replace("\r\n", "\n"), "all of it, as it came"
    assert found.messages[1].at_s == pytest.approx(0.5)


def test_the_ladder_goes_from_left_to_right():
    """A mixer sends its INVITE before it answers, and stands between the two all the same."""
    message = parse_sip(b"OPTIONS sip:b SIP/2.0\r\nCSeq: 1 OPTIONS\r\nCall-ID: x\r\n\r\n")
    source, mixer, sink, other = (Address("10.0.0.1", port) for port in (5060, 5062, 5064, 5066))
    sent = [Sighting(1.0, *pair, message) for pair in ((mixer, sink), (source, mixer), (other, sink))]
    nodes = {"sink": "10.0.0.1:5064", "source": "10.0.0.1:5060", "mixer": "10.0.0.1:5062"}
    chain = Chain([Box(name=name, lines=(), outcome=None) for name in ("source", "mixer", "sink")], ())
    found = ladder.ladder(sent, nodes, 0.0, [chain])
    assert list(found.participants) == ["source", "mixer", "sink", "10.0.0.1:5066"]
    assert [(one.src, one.dst) for one in found.messages] == [(1, 2), (0, 1), (3, 2)]


def test_the_log_has_what_the_roles_say_by_themselves(tmp_path):
    """In order of time; a line that is none of ours is kept as it is."""
    lines = ("40.100+00:00 [SRC ] ! careful", "40.200+00:00 [left] hello", "40.300+00:00 [ORCH] ✗ broken")
    (tmp_path / "run.log").write_text("".join(f"2001-09-09T01:46:{line}\n" for line in lines) + "what is this\n")
    event = {"ts": "2001-09-09T01:46:40.150+00:00", "level": "DEBUG", "node": "sink", "msg": "CALL_RTCP", "leg": "b2b"}
    found = log.merged(tmp_path, [event, {"ts": "nonsense", "level": "DEBUG"}], 1_000_000_000.0)
    assert [(line.node, line.level, line.text.strip()) for line in found] == [
        ("", "INFO", "what is this"), ("source", "WARNING", "! careful"), ("sink", "DEBUG", "CALL_RTCP b2b"),
        ("left", "INFO", "hello"), ("orchestrator", "ERROR", "✗ broken"),
    ]  # fmt: skip
    assert found[1].at_s == pytest.approx(0.1)


def test_a_log_that_is_too_long_keeps_both_ends(monkeypatch):
    """And says how much lies between."""
    monkeypatch.setattr(log, "MOST", 4)
    lines = [log.LogLine(float(at), "", "sink", "INFO", str(at)) for at in range(10)]
    shown, left_out = log.shortened(lines)
    assert [line.text for line in shown] == ["0", "1", "8", "9"]
    assert left_out == 6


def test_charts_are_of_what_there_was():
    """Neither of a single value, nor of what was nothing all the time."""
    values = [
        {"node": "sink", "wall_s": 10.0 + 5 * at, "rtp_loss": 0, "cpu_pct": 1.5 + at, "jitter_ms_p95": None}
        for at in range(3)
    ]
    (chart,) = charts.charts([*values, {"node": "sink", "wall_s": 30.0, "final": True, "cpu_pct": 9.0}], 10.0)
    assert chart.unit == "%"
    assert chart.lines == {"sink": [(0.0, 1.5), (5.0, 2.5), (10.0, 3.5)]}


def test_files_are_carried_or_linked(tmp_path):
    """Small ones are in the page, others beside it; names may have anything in them."""
    (tmp_path / "small #1.json").write_text(json.dumps({}))
    (tmp_path / "large #1.pcap").write_bytes(bytes(files.SMALL + 1))
    names = {"small #1.json": "little", "large #1.pcap": "much", "none.txt": "nothing"}
    small, large = files.downloads(tmp_path, names, tmp_path / "pages" / "page.html")
    assert small.href.startswith("data:application/json;base64,")
    assert large.href == "../large%20%231.pcap"
    assert [one.href for one in files.downloads(tmp_path, {"large #1.pcap": ""}, None)] == [""]


def test_many_hops_are_not_all_drawn(tmp_path):
    """Of a capture of hundreds of streams, those with which something is amiss come first."""
    from dataclasses import replace

    from harness.call import Call
    from harness.report.page import tracks
    from harness.report.page.of_run import _hops

    make_run(tmp_path)
    call = Call(tmp_path)
    first = next(one for one in _hops(call, 1e9) if one.stream)
    hops = [replace(first, name=f"hop {at}") for at in range(40)]
    check = Check(name="lost", where="hop 35", outcome=Outcome.FAIL, wanted="0", got="1")
    drawn = draw([], hops, [check], limit_ms=40, origin_s=1e9)
    assert len(drawn.strips) == tracks.MOST_HOPS
    assert "hop 35" in drawn.places


def test_what_was_heard_is_carried_before_the_hops():
    """Of scarce room: the listener's recording and the file whole, of each hop a part."""
    noise = np.random.default_rng(2).normal(0, 3000, 60 * RATE).astype(np.int16)
    kinds = {"f": "file", "h": "hop", "i": "hop", "s": "recording"}
    tracks = [(Track(id=id, title=id, kind=kind), noise) for id, kind in kinds.items()]
    carried = {track.id: sum(one.length_s for one in track.pieces) for track in carry(tracks, [30.0], most_s=170)}
    assert carried["f"] == carried["s"] == 60
    assert 15 <= carried["h"] == carried["i"] <= 25
    assert {sum(one.length_s for one in track.pieces) for track in carry(tracks, [])} == {60}


def test_a_device_between_source_and_sink_is_in_the_picture(tmp_path):
    """Whom the source calls and who calls the sink is one, if it is one machine."""
    plan = plan_of(tmp_path / "x.plan.toml", OUTSIDE.format("10.0.0.9"))
    legs = ["source -> 10.0.0.9:5060", "10.0.0.9:5060 -> source", "10.0.0.9:5080 -> sink", "sink -> 10.0.0.9:5080"]
    check = Check(name="lost", where="10.0.0.9:5080 -> sink", outcome=Outcome.FAIL, wanted="0", got="1")
    (chain,) = chains.of_plan(plan, [hop(name) for name in legs], [check], {})
    assert [box.name for box in chain.boxes] == ["source", "10.0.0.9", "sink"]
    assert [(link.there.name, link.back.name) for link in chain.links] == [tuple(legs[:2]), tuple(legs[2:])]
    assert chain.links[1].there.outcome is Outcome.FAIL


def test_others_outside_stay_apart(tmp_path):
    """Another machine calls the sink; and where nothing was captured the target is what the plan says."""
    plan = plan_of(tmp_path / "x.plan.toml", OUTSIDE.format("pbx.example"))
    one, other = chains.of_plan(plan, [hop("10.0.0.7:5060 -> sink"), hop("sink -> 10.0.0.7:5060")], [], {})
    assert [box.name for box in one.boxes] == ["source", "pbx.example"]
    assert [box.name for box in other.boxes] == ["10.0.0.7:5060", "sink"]


def plan_of(path, topology):
    """Return the plan of a topology, resolved."""
    path.write_text(f"[topology]\n{topology}\n")
    return resolve(load_plan(path, known_tables=set(), to_run=False), host_ip="127.0.0.1")


def hop(name):
    """Return a leg of that name on which nothing was captured."""
    src, dst = name.split(" -> ")
    return Hop(name=name, title=name, src=src, dst=dst, leg=None, stream=None, audio=None, origin_s=0.0)
