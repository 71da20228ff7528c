"""Nodes on other machines: which can be said, and what an address must be then."""

from __future__ import annotations

import pytest

from b2b.errors import UsageError
from b2b.orchestrator.children import role_command
from b2b.plan.load import load_plan
from b2b.plan.resolve import is_self_contained, resolve, ssh_of
from b2b.plan.write import to_toml

SOURCE = 'source = { sip_bind = "192.0.2.1:0", sip_target = "sip:sink", audio_file = "a.wav" }\n'
SINK = 'sink = { host = "me@lab2", sip_bind = "192.0.2.2:5062" }\n'


def test_a_node_elsewhere(read_plan):
    """It is called where it is; its command line does not say where that is."""
    plan = resolve(read_plan(f"[topology]\n{SOURCE}{SINK}"), host_ip="192.0.2.1")
    assert {name: [node.name for node in nodes] for name, nodes in plan.hosts.items()} == {"me@lab2": ["sink"]}
    assert plan.node("source").host is None
    assert plan.node("source").settings["sip_target"] == "sip:192.0.2.2:5062"
    assert "--host" not in role_command(plan.node("sink"), target=None, extra={})
    assert not is_self_contained(plan)


def test_it_reads_back(read_plan, tmp_path):
    plan = resolve(read_plan(f"[topology]\n{SOURCE}{SINK}[run]\nssh = 'ssh -F x'\n"), host_ip="192.0.2.1")
    (tmp_path / "again.toml").write_text(to_toml(plan))
    again = load_plan(tmp_path / "again.toml", known_tables=())
    assert again.hosts == plan.hosts
    assert ssh_of(again) == ("ssh -F x", "b2b")


def test_how_it_is_reached(read_plan):
    """By ssh, and b2b is b2b there, unless the plan says otherwise."""
    assert ssh_of(read_plan(f"[topology]\n{SOURCE}{SINK}")) == ("ssh", "b2b")
    table = "[run]\nb2b_there = '/opt/b2b/bin/b2b'\n"
    assert ssh_of(read_plan(f"[topology]\n{SOURCE}{SINK}{table}")) == ("ssh", "/opt/b2b/bin/b2b")


@pytest.mark.parametrize(("text", "says"), [
    (SOURCE + 'sink.host = "lab2"', "sink.sip_bind: wanted the address at which others reach lab2, as 192.0.2.7:5062, "
                                    "came 127.0.0.1:0"),
    (SOURCE + SINK.replace("192.0.2.2", "0.0.0.0"), "wanted the address at which others reach me@lab2, as"),
    (SOURCE + SINK.replace("192.0.2.2", "YOUR_HOST_IP"), "wanted the address at which others reach me@lab2, as"),
    (SOURCE.replace("192.0.2.1", "127.0.0.1") + SINK, "source.sip_bind: wanted an address at which me@lab2 reaches it, "
                                                      "for sink is there, came 127.0.0.1:0"),
    (SOURCE + SINK.replace("me@lab2", "-oProxyCommand=x"), "sink.host: wanted a machine that ssh reaches, as lab2 or "
                                                           "user@lab2, came '-oProxyCommand=x'"),
    (SOURCE + SINK.replace("me@lab2", "lab2 reboot"), "sink.host: wanted a machine that ssh reaches"),
    (SOURCE + SINK.replace("me@lab2", "me@-lab2"), "sink.host: wanted a machine that ssh reaches"),
    (SOURCE + SINK.replace('"me@lab2"', "3"), "sink.host: wanted a string, came the integer 3"),
    (SOURCE + SINK + "[run]\nssh = \"ssh '\"\n", "run.ssh: wanted a command, came \"ssh '\": no closing quotation"),
    (SOURCE + SINK + "[run]\nssj = 'x'\n", "run.ssj: unknown key; did you mean ssh?"),
])  # fmt: skip
def test_what_cannot_be(read_plan, text, says):
    with pytest.raises(UsageError) as refused:
        resolve(read_plan(f"[topology]\n{text}"), host_ip="192.0.2.1")
    assert says in str(refused.value)
