"""Roles that register, answer challenges and go through a proxy, over UDP and TCP; kamailio is the other side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from calls.places import SAMPLE

DEVICES = Path(__file__).parent / "devices"
SECRET = "sesame"

pytestmark = pytest.mark.skipif(
    not shutil.which("kamailio", path="/usr/sbin:/usr/bin"), reason="the package kamailio is not installed"
)

PLAN = """
[topology.source]
sip_target = "sip:bob@proxy"
audio_file = "{sample}"
transport = "{transport}"
user = "alice"
password_env = "ALICES"
outbound = "sip:proxy"

[topology.proxy]
role = "external"
address = "127.0.0.1:5060"
calls = "sink"
files."kamailio.cfg" = "{devices}/registrar.cfg"
command = ["kamailio", "-DD", "-E", "-f", "{{run_dir}}/kamailio.cfg", "-Y", "{{run_dir}}", "-P", "{{run_dir}}/pid",
    "-m", "32", "-M", "8"]
ready = {{ options = true, timeout_ms = 20000 }}

[topology.sink]
user = "bob"
transport = "{transport}"
register = "sip:proxy"
password_file = "{password}"

[expect]
duration_s = 3
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""


@pytest.fixture
def run(b2b, tmp_path):
    """Start a call from one who answers a challenge to one who has registered."""

    def start(*, transport="udp", alices=SECRET, bobs=SECRET):
        (tmp_path / "password").write_text(bobs + "\n")
        path = tmp_path / "registered.plan.toml"
        text = PLAN.format(sample=SAMPLE, devices=DEVICES, transport=transport, password=tmp_path / "password")
        path.write_text(text)
        command = ("orchestrator", "--plan", path, "--run-dir", tmp_path / "run", "--network", "private")
        return b2b(*command, env={"ALICES": alices})

    return start


def everything(folder: Path) -> str:
    """Return all that was left of a run, recordings and the capture included, but for the proxy's own configuration."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "kamailio.cfg")
    return "".join(path.read_bytes().decode("latin-1") for path in files)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_between_two_who_show_who_they_are(run, tmp_path, transport):
    """The sink is found by its registration, the source answers the challenge; nobody else hears the password."""
    orchestrator = run(transport=transport)
    assert orchestrator.wait_exit() == 0, orchestrator.output
    assert orchestrator.wait_line(r"SINK.*registered with=sip:127\.0\.0\.1:5060 user=bob")
    checks = json.loads((tmp_path / "run" / "verdict.json").read_text())["checks"]
    assert {check["outcome"] for check in checks} == {"pass"}
    left = everything(tmp_path / "run")
    assert SECRET not in left
    assert SECRET not in orchestrator.output
    assert "auth_pass=***" in left
    assert left.count(f"SIP/2.0/{transport.upper()}") > 10


def test_a_registration_with_the_wrong_password(run, tmp_path):
    """65 before there is a call, with the registrar's answer."""
    orchestrator = run(bobs="guess")
    assert orchestrator.wait_exit() == 65, orchestrator.output
    reason = json.loads((tmp_path / "run" / "summary.json").read_text())["failed_first"]["reason"]
    assert "sip:127.0.0.1:5060 did not register bob: 401 Unauthorized" in reason
    assert "guess" not in everything(tmp_path / "run")


def test_a_call_with_the_wrong_password(run, tmp_path):
    """65, with the proxy's answer and its name."""
    orchestrator = run(alices="guess")
    assert orchestrator.wait_exit() == 65, orchestrator.output
    reason = json.loads((tmp_path / "run" / "summary.json").read_text())["failed_first"]["reason"]
    assert "407 Proxy Authentication Required" in reason
    assert "(proxy is at 127.0.0.1:5060)" in reason


def test_the_password_is_in_no_command_line_and_no_environment(run):
    """While the call lasts: neither of ours nor of those that we have started, but where the user has put it."""
    orchestrator = run()
    orchestrator.wait_line("streaming")
    seen = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "cmdline").read_bytes()
            seen[int(process.name)] = (name, (process / "environ").read_bytes())
        except OSError:
            continue
    assert any(name.startswith(b"baresip") for name, _ in seen.values())
    assert not [name for name, _ in seen.values() if SECRET.encode() in name]
    own = [env for name, env in seen.values() if b"ALICES=" in env and (b"baresip\0" in name or b"ffmpeg" in name)]
    assert not own
    assert orchestrator.wait_exit() == 0, orchestrator.output
