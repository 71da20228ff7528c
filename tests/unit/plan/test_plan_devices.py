"""Plans with devices that are not b2b: what is accepted, what is refused and how, who calls whom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from b2b.errors import UsageError
from b2b.plan.device import Ready, ready_of
from b2b.plan.load import load_plan
from b2b.plan.resolve import is_self_contained, on_ports, resolve
from b2b.plan.write import to_toml

PBX = """[topology]
source.sip_target = "sip:echo@pbx"
source.audio_file = "a.wav"
pbx.role = "external"
pbx.command = ["pbxd", "-C", "{run_dir}/pbx.conf"]
pbx.address = "127.0.0.1:5060"
"""
BRIDGE = PBX + 'pbx.calls = "sink"\nsink.sip_bind = "127.0.0.1:5062"\n'


@pytest.fixture
def template() -> Path:
    """Return a template beside the plan, which `read_plan` has put in the working directory."""
    return Path("pbx.conf")


def test_a_name_stands_for_the_devices_address(read_plan):
    """It is called by name; what it is ready by and stopped with has defaults."""
    plan = resolve(read_plan(PBX), host_ip="127.0.0.1")
    assert plan.node("source").settings["sip_target"] == "sip:echo@127.0.0.1:5060"
    assert plan.node("source").calls == "pbx"
    pbx = plan.node("pbx")
    assert (pbx.is_device, pbx.starts_itself, pbx.callees) == (True, True, ())
    assert ready_of(pbx) == Ready(timeout_ms=10000)
    assert pbx.settings["stop"] == {"signal": "TERM"}
    assert is_self_contained(plan)


def test_a_device_that_calls(read_plan):
    """Many may call it, and it may call many; whom it calls is named."""
    text = BRIDGE + 'b = { role = "source", sip_target = "sip:pbx", audio_file = "a.wav" }\near.role = "sink"\n'
    plan = resolve(read_plan(text.replace('"sink"\nsink', '["sink", "ear"]\nsink')), host_ip="127.0.0.1")
    assert [node.name for node in plan.callers_of("pbx")] == ["source", "b"]
    assert plan.node("pbx").callees == ("sink", "ear")


def test_the_resolved_plan_reads_back(read_plan):
    """With everything that was said of the device."""
    more = 'ready = { output = "up", timeout_ms = 5 }\npbx.stop.signal = "SIGINT"\npbx.audio_file = "a.wav"\n'
    plan = resolve(read_plan(f"{BRIDGE}pbx.{more}"), host_ip="127.0.0.1")
    Path("again.toml").write_text(to_toml(plan))
    again = resolve(load_plan("again.toml", known_tables=()), host_ip="127.0.0.1")
    assert again.node("pbx").settings == plan.node("pbx").settings
    assert ready_of(again.node("pbx")) == Ready(output="up", timeout_ms=5)


def test_a_device_that_is_there_already(read_plan):
    """It is nobody's process, and outside of the run's own network."""
    text = PBX.replace('pbx.command = ["pbxd", "-C", "{run_dir}/pbx.conf"]\n', "")
    plan = resolve(read_plan(f'{text}source.sip_bind = "127.0.0.1:0"\n'), host_ip="127.0.0.1")
    assert not plan.node("pbx").starts_itself
    assert not is_self_contained(plan)
    with pytest.raises(UsageError, match=r"source\.sip_bind: wanted the address at which pbx, which is there already"):
        resolve(read_plan(text), host_ip="127.0.0.1")


def test_ports_of_its_own_for_every_node(read_plan):
    """A device's configuration needs them all beforehand; an open port that shows it is ready moves along."""
    ports = iter(range(7000, 7010))
    plan = resolve(read_plan(f"{BRIDGE}pbx.ready.port = 5060\n"), host_ip="127.0.0.1")
    moved = on_ports(plan, lambda ip: next(ports))
    assert [str(node.bind) for node in moved.nodes] == ["127.0.0.1:7000", "127.0.0.1:7001", "127.0.0.1:7002"]
    assert moved.node("source").settings["sip_target"] == "sip:echo@127.0.0.1:7001"
    assert ready_of(moved.node("pbx")).port == 7001


@pytest.mark.parametrize(("lines", "says"), [
    ("pbx.adress = 1", "x.toml:7: topology.pbx.adress: unknown key; did you mean address?"),
    ("pbx.ready = 5", "pbx.ready: wanted a table such as { options = true"),
    ("pbx.ready.optoins = true", "unknown key 'optoins'; did you mean options?"),
    ("pbx.ready = { options = true, port = 5 }", "wanted one of options, output, port, came options and port"),
    ("pbx.ready.port = 65536", "port: wanted one from 1 to 65535, came 65536"),
    ('pbx.ready.port = "5060"', "port: wanted a whole number, came the string '5060'"),
    ("pbx.ready.timeout_ms = 0", "timeout_ms: wanted a number above 0"),
    ('pbx.ready.output = "("', "output: wanted a regular expression, came '('"),
    ('pbx.stop.signal = "TREM"', "signal: wanted a signal's name, came the string 'TREM'; did you mean TERM?"),
    ('pbx.calls = "snik"\nsink = {}', "topology.pbx.calls: there is no node 'snik'; did you mean sink?"),
    ('pbx.calls = "source"', "topology.pbx.calls: wanted a mixer or sink, came source, a source"),
    ('pbx.calls = "pbx"', "topology.pbx.calls: wanted somebody else, came pbx, which is pbx itself"),
    ("pbx.calls = 5", "wanted the names of the nodes that it calls, came the integer 5"),
    ("pbx.files = ['a']", "wanted names in the device's folder and their templates"),
    ('pbx.files."../x" = "a.wav"', "wanted a name inside the device's own folder, came '../x'"),
    ('pbx.files."/etc/x" = "a.wav"', "wanted a name inside the device's own folder, came '/etc/x'"),
    ('pbx.files.x = "none.conf"', "wanted an existing file, came 'none.conf'"),
    ('o = { role = "external" }', "topology.o.address: wanted, as in \"127.0.0.1:5060\", for a node that is external"),
    ('o = { role = "external", address = "127.0.0.1:0" }', "wanted the port that it listens on, came '127.0.0.1:0'"),
    ('o = { role = "external", address = "127.0.0.1:9", command = [] }', "wanted a program and its arguments"),
    ('o = { role = "external", address = "127.0.0.1:9", command = "x" }', "wanted a program and its arguments"),
    ('o = { role = "external", address = "127.0.0.1:9", command = ["{adress}"] }', "{adress}; did you mean address? ("),
    ('o = { role = "external", address = "127.0.0.1:9", audio_file = "a.wav" }', "wanted a command beside it"),
    ('o = { role = "external", address = "127.0.0.1:9", ready.output = "x" }', "wanted a command beside it"),
    ('o = { role = "external", address = "127.0.0.1:5060" }', "wanted an address of its own, came 127.0.0.1:5060"),
    ('sink = {}\no = { role = "external", address = "127.0.0.1:9", command = ["x", "{sink.port}"] }',
     "wanted a port that is known beforehand, but sink listens on 127.0.0.1:0"),
])  # fmt: skip
def test_a_device_that_is_refused(read_plan, lines, says):
    """64, with the place, what was wanted, and what was probably meant."""
    with pytest.raises(UsageError, match=re.escape(says)):
        resolve(read_plan(PBX + lines), host_ip="127.0.0.1")


def test_a_placeholder_in_a_file(read_plan, template):
    """Is told with its line, and how to write what is no placeholder."""
    template.write_text("bind={address}\nlog={run_dirr}\n")
    says = re.escape("files.c: line 2: unknown placeholder {run_dirr}; did you mean run_dir? ({{run_dirr}} is the text")
    with pytest.raises(UsageError, match=says):
        read_plan(f'{PBX}pbx.files.c = "pbx.conf"')


def test_a_template_that_is_no_text(read_plan, template):
    """Is told before anything starts."""
    template.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="wanted a text file"):
        read_plan(f'{PBX}pbx.files.c = "pbx.conf"')
