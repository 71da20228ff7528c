"""`--dry-run`, and plans and folders that are refused: what is shown, and that nothing is started."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from b2b.cli.app import run
from b2b.orchestrator.picture import configuration, picture
from b2b.plan.load import load_plan
from b2b.plan.model import Plan
from b2b.plan.resolve import resolve

PLANS = Path(__file__).parents[3] / "plans"
PICTURES = {
    "sk": "[ source 127.0.0.1 ♪ sample.mp3 ] ──▶ [ sink 127.0.0.1:5062 ● records ]",
    "smk": "[ source 127.0.0.1 ♪ sample.mp3 ] ──▶ [ mixer 127.0.0.1:5063 + 123# every 2000 ms ]"
           " ──▶ [ sink 127.0.0.1:5062 ● records ]",
    "smmk": "[ source 127.0.0.1 ♪ sample.mp3 ] ──▶ [ first 127.0.0.1:5063 + 123# every 2000 ms ]"
            " ──▶ [ second 127.0.0.1:5064 ] ──▶ [ sink 127.0.0.1:5062 ● records ]",
}  # fmt: skip
DEVICE = """\
[topology.source]
sip_target = "sip:echo@pbx"
audio_file = "a.wav"
[topology.pbx]
role = "external"
address = "127.0.0.1:5060"
command = ["pbxd", "-C", "{run_dir}/pbx.conf", "--peer", "{sink.address}"]
files = { "pbx.conf" = "a.wav" }
calls = "sink"
[topology.sink]
sip_bind = "127.0.0.1:5062"
"""
TWO_PAIRS = """\
[topology.ear]
role = "sink"
[topology.a]
role = "source"
sip_target = "sip:ear"
audio_file = "a.wav"
[topology.b]
role = "source"
sip_target = "sip:voice@127.0.0.2:5070"
audio_file = "a.wav"
[topology.other]
role = "sink"
sip_bind = "127.0.0.2:5070"
"""
OUTSIDE = """\
[topology.mixer]
sip_bind = "127.0.0.1:5063"
sip_target = "sip:1234@pbx.example:5080"
"""


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch, request):
    """Let a test fail that starts a process."""

    def refuse(*arguments, **_options):
        pytest.fail(f"started {arguments}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(os, "fork", refuse)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder of the test, with the shipped plans and what they play."""
    shutil.copytree(PLANS, tmp_path / "plans")
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "sample.mp3").touch()
    (tmp_path / "a.wav").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(text: str) -> Plan:
    """Return the resolved plan of a text."""
    Path("x.toml").write_text(text)
    return resolve(load_plan("x.toml", known_tables=()), host_ip="127.0.0.1")


def orchestrate(*flags: str, network: str = "host") -> int:
    """Return the exit code of `b2b --role orchestrator …`; `host` needs no try of a private network."""
    return run(["--role", "orchestrator", "--network", network, *flags])


def everything(folder: Path) -> list[Path]:
    """Return all that lies below a folder."""
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(("name", "line"), PICTURES.items())
def test_the_shipped_plans(here, name, line):
    """A chain of calls is one line, from who calls to who is called."""
    plan = resolve(load_plan(f"plans/{name}.plan.toml", known_tables=()), host_ip="127.0.0.1")
    assert list(picture(plan)) == [line]


@pytest.mark.parametrize(("text", "lines"), [
    (TWO_PAIRS, [
        "[ a 127.0.0.1 ♪ a.wav ] ──▶ [ ear 127.0.0.1 ● records ]",
        "[ b 127.0.0.1 ♪ a.wav ] ──▶ [ other 127.0.0.2:5070 ● records ]",
    ]),
    (OUTSIDE, ["[ mixer 127.0.0.1:5063 + 123# every 2000 ms ] ──▶ ( sip:1234@pbx.example:5080 )"]),
    ("[topology.sink]\nsip_bind = '0.0.0.0:5062'", ["[ sink 127.0.0.1:5062 ● records ]"]),
    ("[topology.a]\nrole = 'sink'\n[topology.b]\nrole = 'sink'",
     ["[ a 127.0.0.1 ● records ]", "[ b 127.0.0.1 ● records ]"]),
    (DEVICE, ["[ source 127.0.0.1 ♪ a.wav ] ──▶ [ pbx 127.0.0.1:5060 ⚙ pbxd ] ──▶ [ sink 127.0.0.1:5062 ● records ]"]),
    (DEVICE.replace("command =", "calls = ['sink', 'ear']\nneeds =").replace('calls = "sink"', "command = ['x']")
     + "[topology.ear]\nrole = 'sink'\n",
     ["[ source 127.0.0.1 ♪ a.wav ] ──▶ [ pbx 127.0.0.1:5060 ⚙ x ]"
      " ──▶ [ sink 127.0.0.1:5062 ● records ] and [ ear 127.0.0.1 ● records ]"]),
], ids=["two pairs", "somebody outside", "a sink alone", "two sinks", "a device", "a bridge"])  # fmt: skip
def test_every_node_is_in_the_picture_once(here, text, lines):
    """Each call has a line in the plan's order, whoever is called; nobody is forgotten who has no call in the plan."""
    assert list(picture(planned(text))) == lines


def test_the_configuration_of_a_node(here):
    """It has the addresses of the node, and an account for each of its sides."""
    lines = list(configuration(planned(TWO_PAIRS).node("other")))
    assert "sip_listen 127.0.0.2:5070" in lines
    assert "net_interface 127.0.0.2" in lines
    assert [line for line in lines if line.startswith("accounts:")] == [
        "accounts: <sip:voice@127.0.0.2>;regint=0;answermode=auto;audio_codecs=pcmu;ptime=20"
        ";audio_source=alsa,sink_in;audio_player=alsa,sink_out",
    ]
    assert sum(line.startswith("accounts: <sip:") for line in configuration(planned(OUTSIDE).node("mixer"))) == 2


@pytest.mark.parametrize("name", PICTURES)
def test_a_dry_run_starts_nothing(here, capfd, name):
    """It shows the picture, and each node's command line and configuration; it makes no folder, and is 0."""
    before = everything(here)
    assert orchestrate("--plan", f"plans/{name}.plan.toml", "--dry-run") == 0
    assert everything(here) == before
    shown, complaints = capfd.readouterr()
    lines = shown.splitlines()
    assert complaints == ""
    assert lines[:2] == ["# network: as asked for", PICTURES[name]]
    commands = [shlex.split(line) for line in lines if line.startswith("b2b ")]
    plan = load_plan(f"plans/{name}.plan.toml", known_tables=())
    assert [line[1:3] for line in commands] == [["--role", node.role] for node in plan.nodes]
    assert sum(line.startswith("    sip_listen ") for line in lines) == len(plan.nodes)


def test_a_dry_run_leaves_the_named_folder_alone(here, capfd):
    """--run-dir is in the command lines, and is not made."""
    assert orchestrate("--plan", "plans/sk.plan.toml", "--dry-run", "--run-dir", "my run", "--duration-s", "7") == 0
    assert not Path("my run").exists()
    shown = capfd.readouterr().out
    source, sink = [shlex.split(line) for line in shown.splitlines() if line.startswith("b2b --role")]
    assert sink[sink.index("--capture") + 1] == str(here / "my run" / "sink.wav")
    assert float(source[source.index("--duration-s") + 1]) == 7


def test_a_dry_run_shows_what_can_be_typed(here, capfd):
    """A role that waits for an orchestrator's start would do nothing in a terminal."""
    assert orchestrate("--plan", "plans/sk.plan.toml", "--dry-run") == 0
    assert "--supervised" not in capfd.readouterr().out


def test_a_dry_run_lets_the_plan_say_the_duration(here, capfd):
    """[expect] duration_s is what the source is told where the command line says nothing."""
    plan = Path("plans/sk.plan.toml")
    plan.write_text(plan.read_text().replace("duration_s = 60", "duration_s = 2.5"))
    assert orchestrate("--plan", str(plan), "--dry-run") == 0
    assert " --duration-s 2.5" in capfd.readouterr().out


def test_a_dry_run_warns(here, capfd):
    """Whoever checks a plan learns that a table of it is read by nobody."""
    Path("x.toml").write_text("[topology.sink]\n[weather]\nrain = true\n")
    assert orchestrate("--plan", "x.toml", "--dry-run") == 0
    assert "weather" in "".join(capfd.readouterr())


BAD = {
    "none": ("gone.toml", "gone.toml: wanted a plan, but it cannot be read: No such file or directory"),
    "no TOML": ("a.wav", "a.wav: wanted a table [topology], came none"),
    "a misspelt key": ("x.toml", "x.toml:1: topology.sink.aplay: unknown key; did you mean aplay_cmd?"),
}


@pytest.mark.parametrize(("plan", "sentence"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("flags", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_a_bad_plan_is_one_sentence(here, capfd, plan, sentence, flags):
    """It is 64 before anything starts, on standard error, in one line."""
    Path("x.toml").write_text("topology.sink.aplay = 'x'")
    before = everything(here)
    assert orchestrate("--plan", plan, *flags) == 64
    assert everything(here) == before
    assert capfd.readouterr() == ("", f"Error: {sentence}\n")


def test_a_bad_key_is_one_line(here, capfd):
    """Keys with line breaks and escapes in them neither break the line nor colour it."""
    Path("x.toml").write_text('[topology.sink]\n"\\u001b[31mred\\nline" = 1\n')
    assert orchestrate("--plan", "x.toml") == 64
    said = capfd.readouterr().err
    assert "\x1b" not in said
    assert said.count("\n") == 1


def test_a_full_folder_is_one_sentence(here, capfd):
    """A run folder with something in it is 64, and nothing is started."""
    before = everything(here)
    assert orchestrate("--plan", "plans/sk.plan.toml", "--run-dir", "plans") == 64
    assert everything(here) == before
    said = f"Error: --run-dir: wanted a new or empty folder, {here / 'plans'} has something in it\n"
    assert capfd.readouterr() == ("", said)


@pytest.mark.parametrize("flags", [
    [], ["--plan"], ["--plan", "plans/sk.plan.toml", "--kill-ms", "-1"], ["--plan", "x", "--network", "public"],
    ["--plan", "plans/sk.plan.toml", "--audio-file", "a.wav"], ["--plan", "plans/sk.plan.toml", "too much"],
    ["--plan", "plans/sk.plan.toml", "--duration-s", "0"], ["--plan", "plans/sk.plan.toml", "--ready-ms", "1.5"],
])  # fmt: skip
def test_a_bad_flag_is_64(here, capfd, flags):
    """It is never click's own 2, and somebody says what is wrong."""
    assert run(["orchestrator", *flags]) == 64
    shown, said = capfd.readouterr()
    assert shown == ""
    assert "Error: " in said


def test_a_dry_run_with_a_device(here, capfd):
    """Its command is shown with everything filled in, and its files; it need not be installed for that."""
    Path("d.plan.toml").write_text(DEVICE)
    assert orchestrate("--plan", "d.plan.toml", "--dry-run", "--run-dir", "my") == 0
    shown, _ = capfd.readouterr()
    assert f"\n# pbx\npbxd -C {here}/my/pbx/pbx.conf --peer 127.0.0.1:5062\n    pbx.conf: {here}/a.wav\n" in shown


def test_a_device_that_is_not_installed(here, capfd):
    """64 before anything is started, with what was looked for."""
    Path("d.plan.toml").write_text(DEVICE)
    assert orchestrate("--plan", "d.plan.toml", "--run-dir", "my") == 64
    assert "topology.pbx.command: wanted what is installed: there is no program pbxd on PATH" in capfd.readouterr().err
    assert not Path("my").exists()
