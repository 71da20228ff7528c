"""Who calls whom, and where: what becomes of the addresses in a plan."""

from __future__ import annotations

import pytest

from b2b.errors import UsageError
from b2b.plan.load import load_plan
from b2b.plan.resolve import call_duration_s, finish_target, is_self_contained, on_free_ports, resolve

LAN = "192.168.7.5"
EXAMPLE = """\
[topology]
source.sip_target = "sip:YOUR_HOST_IP:5063"   # orchestrator auto-resolves
source.audio_file = "./assets/sample.mp3"

mixer.sip_bind   = "0.0.0.0:5063"
mixer.sip_target = "sip:YOUR_HOST_IP:5062"
mixer.dtmf_seq   = "+442083661177"

sink.sip_bind    = "0.0.0.0:5062"
"""


def topology(target: str, *binds: str) -> str:
    """Return a plan in which a source calls the target, and sinks of names a, b, … listen."""
    named = zip("abc", binds, strict=False)
    sinks = (f'[topology.{name}]\nrole = "sink"\nsip_bind = "{bind}"\n' for name, bind in named)
    return f'[topology.source]\naudio_file = "a.wav"\nsip_target = "{target}"\n' + "".join(sinks)


def mixers(**calls: str) -> str:
    """Return a plan of mixers and whom they call; the last callee is a sink."""
    nodes = (f'[topology.{name}]\nrole = "mixer"\nsip_target = "sip:{callee}"\n' for name, callee in calls.items())
    return "".join(nodes) + "[topology.sink]\n"


@pytest.mark.parametrize("host_ip", ["127.0.0.1", LAN])
def test_the_example_of_the_requirements(tmp_path, host_ip):
    """Copied literally, with its audio file put in place, the plan finds its addresses by itself."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "sample.mp3").touch()
    (tmp_path / "example.toml").write_text(EXAMPLE)
    plan = resolve(load_plan(tmp_path / "example.toml", known_tables=()), host_ip=host_ip)
    source, mixer, sink = (plan.node(name) for name in ("source", "mixer", "sink"))
    assert (source.calls, mixer.calls, sink.calls) == ("mixer", "sink", None)
    assert source.settings["sip_target"] == f"sip:{host_ip}:5063"
    assert source.settings["audio_file"] == str(tmp_path / "assets" / "sample.mp3")
    assert mixer.settings["sip_bind"] == f"{host_ip}:5063"
    assert mixer.settings["sip_target"] == f"sip:{host_ip}:5062"
    assert sink.settings["sip_bind"] == f"{host_ip}:5062"
    assert plan.warnings == ()


@pytest.mark.parametrize(("target", "bind", "dialled", "listening"), [
    ("sip:127.0.0.1:5062", "127.0.0.1:5062", "sip:127.0.0.1:5062", "127.0.0.1:5062"),
    ("sip:localhost:5062", "127.0.0.1:5062", "sip:127.0.0.1:5062", "127.0.0.1:5062"),
    ("sip:127.0.0.1", "127.0.0.1:5060", "sip:127.0.0.1:5060", "127.0.0.1:5060"),
    ("sip:YOUR_HOST_IP:5062", "127.0.0.1:5062", "sip:127.0.0.1:5062", "127.0.0.1:5062"),
    ("sip:YOUR_HOST_IP:5062", "0.0.0.0:5062", f"sip:{LAN}:5062", f"{LAN}:5062"),
    ("sip:YOUR_HOST_IP:5062", "YOUR_HOST_IP:5062", f"sip:{LAN}:5062", f"{LAN}:5062"),
    (f"sip:{LAN}:5062", "0.0.0.0:5062", f"sip:{LAN}:5062", f"{LAN}:5062"),
    ("sip:127.0.0.1:5062", "0.0.0.0:5062", f"sip:{LAN}:5062", f"{LAN}:5062"),
    ("sip:a", "0.0.0.0:5062", f"sip:{LAN}:5062", f"{LAN}:5062"),
    ("sip:a:5062", "127.0.0.1:5062", "sip:127.0.0.1:5062", "127.0.0.1:5062"),
    ("sip:me@a", "127.0.0.1:0", "sip:me@a", "127.0.0.1:0"),
    ("sip:a", "0.0.0.0:0", "sip:a", f"{LAN}:0"),
])
def test_a_target_finds_its_node(read_plan, target, bind, dialled, listening):
    """By address, by placeholder or by name; the name stays while the port is not known."""
    plan = resolve(read_plan(topology(target, bind)), host_ip=LAN)
    assert plan.node("source").calls == "a"
    assert plan.node("source").settings["sip_target"] == dialled
    assert plan.node("a").settings["sip_bind"] == listening


@pytest.mark.parametrize(("target", "bind", "dialled"), [
    ("sip:127.0.0.1:5070", "127.0.0.1:5062", "sip:127.0.0.1:5070"),
    ("sip:10.0.0.9:5062", "0.0.0.0:5062", "sip:10.0.0.9:5062"),
    ("sip:127.0.0.1:5062", "YOUR_HOST_IP:5062", "sip:127.0.0.1:5062"),
    ("sip:YOUR_HOST_IP:5070", "127.0.0.1:5062", f"sip:{LAN}:5070"),
    ("sip:pbx.example.org", "127.0.0.1:5060", "sip:pbx.example.org"),
])
def test_a_target_outside_the_plan_is_left_alone(read_plan, target, bind, dialled):
    """A device under test is no node; only the placeholder is filled in."""
    source = resolve(read_plan(topology(target, bind)), host_ip=LAN).node("source")
    assert (source.calls, source.settings["sip_target"]) == (None, dialled)


def test_resolving_twice_changes_nothing(read_plan):
    """What is resolved stays so, whatever the host's address is now."""
    plan = resolve(read_plan(topology("sip:me@YOUR_HOST_IP:5062", "0.0.0.0:5062")), host_ip=LAN)
    assert resolve(plan, host_ip="127.0.0.1") == plan


def test_a_name_becomes_an_address_once_it_is_known():
    """READY tells the port; the user part stays, and other hosts are not touched."""
    assert finish_target("sip:me@a", {"a": "127.0.0.1:40001"}) == "sip:me@127.0.0.1:40001"
    assert finish_target("sip:pbx.example.org", {"a": "127.0.0.1:40001"}) == "sip:pbx.example.org"


def test_a_node_answers_to_the_user_that_is_dialled(read_plan):
    """A caller that names a user expects somebody of that name."""
    sink = resolve(read_plan(topology("sip:me@a", "127.0.0.1:0")), host_ip=LAN).node("a")
    assert sink.settings["sip_user"] == "me"
    assert "sip_user" in sink.given


def test_a_user_that_the_plan_gives_is_kept(read_plan):
    """Dialling the wrong user is a test that somebody may want."""
    plan = read_plan(topology("sip:me@a", "127.0.0.1:0") + 'sip_user = "you"')
    assert resolve(plan, host_ip=LAN).node("a").settings["sip_user"] == "you"


@pytest.mark.parametrize(("text", "sentence"), [
    (mixers(a="a"), "x.toml:3: topology.a.sip_target: wanted somebody else, came sip:a, which is a itself"),
    (
        '[topology.mixer]\nsip_bind = "0.0.0.0:5063"\nsip_target = "sip:YOUR_HOST_IP:5063"',
        f"x.toml:3: topology.mixer.sip_target: wanted somebody else, came sip:{LAN}:5063, which is mixer itself",
    ),
    (mixers(a="b", b="a"), "x.toml:3: topology.a.sip_target: wanted a chain that ends, came a loop: a calls b calls a"),
    (mixers(e="a", a="b", b="c", c="a"), "topology.a.sip_target: wanted a chain that ends, came a loop: a calls b"),
    (
        mixers(a="sink", b="sink"),
        "x.toml:6: topology.b.sip_target: wanted a node that is free, came sink, which takes one call, that of a",
    ),
    (topology("sip:a:5070", "127.0.0.1:5062"), "wanted the port of a, which listens on 127.0.0.1:5062, came 5070"),
    (topology("sip:sink") + mixers(a="source"), "topology.a.sip_target: wanted a mixer or sink, came source, a source"),
    (
        topology("sip:a", "YOUR_HOST_IP:5062", f"{LAN}:5062"),
        f"topology.b.sip_bind: wanted an address of its own, came {LAN}:5062, but a listens on {LAN}:5062",
    ),
])
def test_calls_that_cannot_be_made_are_refused(read_plan, text, sentence):
    """To oneself, in a loop, to one who is taken, to one who takes none: each told with both names."""
    plan = read_plan(text)
    with pytest.raises(UsageError) as caught:
        resolve(plan, host_ip=LAN)
    assert sentence in str(caught.value)


def test_a_chain_may_be_long(read_plan):
    """Mixers that end at a sink are fine, in any order."""
    plan = resolve(read_plan(mixers(c="sink", a="b", b="c")), host_ip=LAN)
    assert [plan.node(name).calls for name in "abc"] == ["b", "c", "sink"]


def test_on_free_ports_nodes_are_called_by_name(read_plan):
    """So that runs beside each other never want the same port; the user part stays."""
    plan = read_plan(topology("sip:them@a", "127.0.0.1:5062"))
    freed = on_free_ports(resolve(plan, host_ip=LAN))
    assert [node.settings["sip_bind"] for node in freed.nodes] == ["127.0.0.1:0", "127.0.0.1:0"]
    assert freed.node("source").settings["sip_target"] == "sip:them@a"
    assert freed.node("source").calls == "a"


@pytest.mark.parametrize(("table", "duration_s"), [
    ("[expect]\nduration_s = 5", 5.0),
    ("[expect]\nx = 5", None),
    ("", None),
])
def test_the_plan_may_expect_a_length(read_plan, table, duration_s):
    """None means that the file's length decides."""
    assert call_duration_s(read_plan(f"[topology.sink]\n{table}")) == duration_s


@pytest.mark.parametrize(("text", "answer"), [
    (topology("sip:a", "127.0.0.1:0"), True),
    (topology("sip:YOUR_HOST_IP:5062", "0.0.0.0:5062"), True),
    (topology("sip:127.0.0.2:5062", "127.0.0.2:5062"), True),
    (topology("sip:YOUR_HOST_IP:5062", "YOUR_HOST_IP:5062"), True),
    (topology("sip:10.0.0.9:5062", "127.0.0.1:5062"), False),
    (topology(f"sip:{LAN}:5062", f"{LAN}:5062"), False),
    (topology("sip:a", "127.0.0.1:0", "127.0.0.1:0"), False),
    ("[topology.sink]", False),
])
def test_a_plan_is_self_contained_when_nobody_outside_takes_part(read_plan, text, answer):
    """Neither as the one who is called, nor as the one who calls, nor as one who could."""
    assert is_self_contained(read_plan(text)) is answer
