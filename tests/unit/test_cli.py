"""The command line: flags and defaults, both ways to name a role, and what is said of mistakes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from b2b.addresses import Bind, Target
from b2b.cli.app import run
from b2b.errors import ExitCode
from b2b.flags import CALLING_ROLES, FLAGS, ROLES, flags_of
from b2b.roles.settings import Common, MixerSettings, SinkSettings, SourceSettings

ROOT = Path(__file__).parents[2]
SOURCE = ("--target", "sip:127.0.0.1:5063", "--audio-file", "sample.mp3")
MIXER = ("--target", "sip:127.0.0.1:5062")
COMMON: dict[str, Any] = {
    "sip_bind": Bind("127.0.0.1", 0),
    "log_format": "text",
    "supervised": False,
    "work_dir": None,
    "kill_after_s": 15.0,
}
APLAY = "aplay -f S16_LE -r 8000 -c 1"

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the help be as wide everywhere."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("LINES", raising=False)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Return what would have been played: each role with its settings; without playing it."""
    calls: list[tuple[str, Any]] = []

    def play(role: str, settings: Common, _run: Callable[..., None]) -> ExitCode:
        calls.append((role, settings))
        return ExitCode.SIP

    def orchestrate(values: dict[str, Any]) -> ExitCode:
        calls.append(("orchestrator", values))
        return ExitCode.SIP

    monkeypatch.setattr("b2b.roles.main.main", play)
    monkeypatch.setattr("b2b.orchestrator.main.main", orchestrate)
    return calls


def help_of(capsys: Capture, *arguments: str) -> str:
    """Return a help text with its line breaks taken out."""
    assert run([*arguments, "--help"]) == 0
    return " ".join(capsys.readouterr().out.split())


REQUIRED = [
    ("source", "--sip-bind", "[default: 127.0.0.1:0]"),
    ("source", "--target", ""),
    ("source", "--log-format [text|json]", "[default: text]"),
    ("source", "--color [auto|always|never]", "[default: auto]"),
    ("source", "--audio-file", ""),
    ("source", "--prebuffer-ms", "[default: 1000]"),
    ("source", "--ptime-ms [10|20|30|40]", "[default: 20]"),
    ("source", "--codec [pcmu|pcma|pcmu,pcma|pcma,pcmu]", "[default: pcmu]"),
    ("source", "--loop", ""),
    ("source", "--duration-s", ""),
    ("sink", "--sip-bind", "[default: 127.0.0.1:0]"),
    ("sink", "--log-format [text|json]", "[default: text]"),
    ("sink", "--color [auto|always|never]", "[default: auto]"),
    ("sink", "--aplay-cmd", "[default: aplay -f S16_LE -r 8000 -c 1]"),
    ("sink", "--capture", ""),
    ("mixer", "--sip-bind", "[default: 127.0.0.1:0]"),
    ("mixer", "--target", ""),
    ("mixer", "--log-format [text|json]", "[default: text]"),
    ("mixer", "--color [auto|always|never]", "[default: auto]"),
    ("mixer", "--dtmf-seq", "[default: 123#]"),
    ("mixer", "--dtmf-period-ms", "[default: 2000]"),
    ("mixer", "--mix-gain-in", "[default: 0.5]"),
    ("mixer", "--mix-gain-dtmf", "[default: 0.5]"),
    ("mixer", "--dial-timeout-ms", "[default: 10000]"),
    ("orchestrator", "--log-format [text|json]", "[default: text]"),
    ("orchestrator", "--color [auto|always|never]", "[default: auto]"),
    ("orchestrator", "--plan", ""),
    ("orchestrator", "--grace-ms", "[default: 5000]"),
    ("orchestrator", "--kill-ms", "[default: 15000]"),
    ("orchestrator", "--ready-ms", "[default: 10000]"),
    ("orchestrator", "--dry-run", ""),
    ("orchestrator", "--duration-s", ""),
    ("orchestrator", "--run-dir", ""),
    ("orchestrator", "--network [auto|private|host]", "[default: auto]"),
    ("orchestrator", "--listen", ""),
]


@pytest.mark.parametrize(("role", "flag", "default"), REQUIRED)
def test_every_flag_of_the_requirements_is_in_its_roles_help(
    capsys: Capture, role: str, flag: str, default: str
) -> None:
    """With its default, and with a sentence about it."""
    text = help_of(capsys, "--role", role)
    _, found, rest = text.partition(f" {flag} ")
    assert found
    own = rest.partition(" --")[0].partition(" -h, ")[0]
    assert "." in own
    assert own.endswith(default)
    assert ("[default" in own) == bool(default)


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_help_has_its_own_flags_only(capsys: Capture, role: str) -> None:
    """No other role's, none that is hidden; and it tells that there is no authentication."""
    text = help_of(capsys, role)
    shown = {flag.option for flag in FLAGS if f" {flag.option} " in text}
    assert shown == {flag.option for flag in flags_of(role) if not flag.hidden}
    assert "no authentication and no TLS" in text


@pytest.mark.parametrize("role", CALLING_ROLES)
def test_the_help_says_what_binding_beyond_this_machine_means(capsys: Capture, role: str) -> None:
    """Whoever reaches the address can call."""
    assert "opens it to everybody who reaches that address" in help_of(capsys, role)


@pytest.mark.parametrize("role", ROLES)
def test_both_ways_to_ask_for_help_are_one(capsys: Capture, role: str) -> None:
    """And so are both spellings of --role."""
    texts = {help_of(capsys, *words) for words in ((role,), ("--role", role), (f"--role={role}",))}
    assert len(texts) == 1


def test_the_help_shows_what_each_role_is_for(capsys: Capture) -> None:
    """And the commands beside them."""
    text = help_of(capsys)
    for words in (
        "source calls a target and plays an audio file to it",
        "mixer answers a call, adds DTMF digits",
        "sink answers a call and plays or records what it hears",
        "orchestrator reads a plan",
        "doctor tells what is installed",
        "no authentication and no TLS in v1",
    ):
        assert words in text


def test_a_source_gets_its_defaults(played: list[tuple[str, Any]]) -> None:
    """Those of the requirements."""
    run(["source", *SOURCE])
    wanted = SourceSettings(
        **COMMON,
        target=Target(None, "127.0.0.1", 5063),
        audio_file=Path("sample.mp3"),
        prebuffer_ms=1000,
        ptime_ms=20,
        codec="pcmu",
        loop=False,
        duration_s=None,
        dial_timeout_ms=10_000,
    )
    assert played == [("source", wanted)]


def test_a_mixer_gets_its_defaults(played: list[tuple[str, Any]]) -> None:
    """Those of the requirements; digits and pauses as long as Q.24 asks for, and longer."""
    run(["mixer", *MIXER])
    wanted = MixerSettings(
        **COMMON,
        target=Target(None, "127.0.0.1", 5062),
        dtmf_seq="123#",
        dtmf_period_ms=2000,
        dtmf_tone_ms=80,
        dtmf_pause_ms=80,
        mix_gain_in=0.5,
        mix_gain_dtmf=0.5,
        dial_timeout_ms=10_000,
        sip_user="b2b",
    )
    assert played == [("mixer", wanted)]


@pytest.mark.parametrize(
    ("arguments", "capture", "player"),
    [
        ((), None, APLAY),
        (("--aplay-cmd", "cat"), None, "cat"),
        (("--capture", "x.wav"), Path("x.wav"), ""),
        (("--capture", "x.wav", "--aplay-cmd", "cat"), Path("x.wav"), "cat"),
        (("--capture", "x.wav", "--aplay-cmd", APLAY), Path("x.wav"), APLAY),
    ],
)
def test_a_sink_plays_or_records_or_both(
    played: list[tuple[str, Any]], arguments: tuple[str, ...], capture: Path | None, player: str
) -> None:
    """A recording is instead of playing, unless a player was asked for, even the usual one."""
    run(["sink", *arguments])
    wanted = SinkSettings(**COMMON, capture=capture, aplay_cmd=player, sip_user="b2b")
    assert played == [("sink", wanted)]


def test_what_was_typed_is_what_is_played(played: list[tuple[str, Any]]) -> None:
    """Every flag of a source."""
    run([
        "source", "--sip-bind", "127.0.0.2:5070", "--target=sip:a@b:5", "--log-format", "json", "--color", "never",
        "--audio-file=x.ogg", "--prebuffer-ms", "2500", "--ptime-ms", "40", "--codec", "pcmu", "--loop",
        "--duration-s", "1.5", "--dial-timeout-ms", "7",
    ])  # fmt: skip
    [(_role, settings)] = played
    assert settings == SourceSettings(
        sip_bind=Bind("127.0.0.2", 5070), log_format="json", supervised=False, work_dir=None, kill_after_s=15.0,
        target=Target("a", "b", 5), audio_file=Path("x.ogg"), prebuffer_ms=2500, ptime_ms=40, codec="pcmu", loop=True,
        duration_s=1.5, dial_timeout_ms=7,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [("source", *SOURCE), ("mixer", *MIXER), ("sink",), ("orchestrator", "--plan", "x.toml")]
)
def test_a_role_may_be_named_in_every_way(played: list[tuple[str, Any]], arguments: tuple[str, ...]) -> None:
    """First, with --role before, between or behind its flags; the exit code is the role's own."""
    role, *rest = arguments
    ways = [[role, *rest], ["--role", role, *rest], [f"--role={role}", *rest], [*rest, "--role", role]]
    assert [run(way) for way in ways] == [ExitCode.SIP] * 4
    assert played == [played[0]] * 4
    assert played[0][0] == role


MISTAKES: list[tuple[str, list[str], str]] = [
    ("unknown flag", ["sink", "--nosuch"], "No such option '--nosuch'"),
    ("unknown flag before any role", ["--nosuch"], "No such option '--nosuch'"),
    ("flag of another role", ["sink", "--audio-file", "x"], "No such option '--audio-file'"),
    ("another role's flag for a source", ["source", *SOURCE, "--plan", "x"], "No such option '--plan'"),
    ("orchestrator's flag for a mixer", ["--role", "mixer", *MIXER, "--grace-ms", "5"], "No such option '--grace-ms'"),
    ("missing target", ["source", "--audio-file", "x"], "--target is missing"),
    ("missing file", ["source", "--target", "sip:127.0.0.1:1"], "--audio-file is missing"),
    ("missing target of a mixer", ["mixer"], "--target is missing"),
    ("missing plan", ["orchestrator"], "--plan is missing"),
    ("missing value", ["sink", "--capture"], "'--capture' requires an argument"),
    ("ptime", ["source", *SOURCE, "--ptime-ms", "25"], "'--ptime-ms': '25' is not one of '10', '20', '30', '40'"),
    ("codec", ["source", *SOURCE, "--codec", "opus"], "'--codec': 'opus' is not one of 'pcmu', 'pcma'"),
    ("bind", ["sink", "--sip-bind", "here"], "'--sip-bind': wanted an IPv4 address and port"),
    ("bind without port", ["sink", "--sip-bind", "127.0.0.1"], "'--sip-bind': wanted an IPv4 address and port"),
    ("target", ["source", "--audio-file", "x", "--target", "127.0.0.1:5"], "'--target': wanted sip:[user@]host[:port]"),
    ("secure target", ["mixer", "--target", "sips:a@b"], "TLS is not supported"),
    ("prebuffer", ["source", *SOURCE, "--prebuffer-ms", "-1"], "'--prebuffer-ms': wanted a whole number of at least 0"),
    ("prebuffer text", ["source", *SOURCE, "--prebuffer-ms", "1s"], "wanted a whole number of at least 0, got '1s'"),
    ("duration", ["source", *SOURCE, "--duration-s", "0"], "'--duration-s': wanted a number above 0"),
    ("endless duration", ["source", *SOURCE, "--duration-s", "inf"], "'--duration-s': wanted a number above 0"),
    ("gain", ["mixer", *MIXER, "--mix-gain-in=-0.5"], "'--mix-gain-in': wanted a number of at least 0"),
    ("gain that is none", ["mixer", *MIXER, "--mix-gain-dtmf", "nan"], "'--mix-gain-dtmf': wanted a number of"),
    ("no digit", ["mixer", *MIXER, "--dtmf-seq", "12x"], "--dtmf-seq: wanted digits of 0-9 * # A-D, came 'x' in '12x'"),
    (
        "sequence too long",
        ["mixer", *MIXER, "--dtmf-seq", "1" * 13],
        "takes 2080 ms, wanted at most its period of 2000",
    ),
    (
        "tone too short",
        ["mixer", *MIXER, "--dtmf-tone-ms", "39"],
        "'--dtmf-tone-ms': wanted a whole number of at least",
    ),
    ("log format", ["sink", "--log-format", "xml"], "'--log-format': 'xml' is not one of 'text', 'json'"),
    ("colour", ["sink", "--color", "red"], "'--color': 'red' is not one of"),
    ("grace", ["orchestrator", "--plan", "x", "--grace-ms", "-1"], "'--grace-ms': wanted a whole number of at least 0"),
    ("ready", ["orchestrator", "--plan", "x", "--ready-ms", "0"], "'--ready-ms': wanted a whole number above 0"),
    ("network", ["orchestrator", "--plan", "x", "--network", "none"], "'--network': 'none' is not one of"),
    ("two roles", ["--role", "source", "--role", "sink"], "one process plays one role, got source and sink"),
    ("the same role twice", ["--role", "sink", "--role=sink"], "one process plays one role, got sink and sink"),
    ("role and command", ["--role", "source", "sink"], "say either --role source or `b2b sink`, not both"),
    ("role and doctor", ["--role", "sink", "doctor"], "say either --role sink or `b2b doctor`, not both"),
    (
        "unknown role",
        ["--role", "nosuch"],
        "wanted one of source, mixer, sink, orchestrator after --role, got 'nosuch'",
    ),
    ("role without name", ["--role"], "wanted one of source, mixer, sink, orchestrator after --role, got ''"),
    ("unknown command", ["nosuch"], "No such command 'nosuch'"),
    ("word too many", ["sink", "extra"], "Got unexpected extra argument (extra)"),
]


@pytest.mark.parametrize(
    ("arguments", "wanted"), [mistake[1:] for mistake in MISTAKES], ids=[mistake[0] for mistake in MISTAKES]
)
def test_a_mistake_is_64_and_one_sentence(
    capsys: Capture, played: list[tuple[str, Any]], arguments: list[str], wanted: str
) -> None:
    """On standard error, after `Error:`; nothing is started, and nobody sees a traceback."""
    assert run(arguments) == ExitCode.USAGE
    out, err = capsys.readouterr()
    [line] = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert wanted in line
    assert err.splitlines()[-1] == line
    assert (out, played) == ("", [])
    assert "Traceback" not in err


@pytest.mark.parametrize("user", ["a b", "a@b", "a>;x", "a\nb", ""])
@pytest.mark.parametrize("command", [["sink"], ["mixer", *MIXER]], ids=["sink", "mixer"])
def test_a_user_that_no_sip_uri_can_have_is_64(
    capsys: Capture, played: list[tuple[str, Any]], command: list[str], user: str
) -> None:
    """It would mean something else to baresip."""
    assert run([*command, "--sip-user", user]) == ExitCode.USAGE
    assert "'--sip-user': wanted the user part of a SIP URI" in capsys.readouterr().err
    assert played == []


def test_without_arguments_the_help_is_shown_and_it_is_64(capsys: Capture) -> None:
    """Nothing was asked for."""
    assert run([]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "A first call, in three terminals:" in err
    assert "Traceback" not in err


def test_a_plan_that_is_missing_is_64(capsys: Capture, tmp_path: Path) -> None:
    """With its name."""
    assert run(["--role", "orchestrator", "--plan", str(tmp_path / "no.toml")]) == ExitCode.USAGE
    said = "".join(capsys.readouterr())
    assert str(tmp_path / "no.toml") in said
    assert "No such file or directory" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "notes"),
    [
        (["sink", "--target", "sip:a@b"], ("--target means nothing to the sink and is ignored",)),
        (["sink"], ()),
        (
            ["orchestrator", "--plan", "x", "--target", "sip:a@b", "--sip-bind", "127.0.0.1:5"],
            (
                "--sip-bind means nothing to the orchestrator and is ignored",
                "--target means nothing to the orchestrator and is ignored",
            ),
        ),
        (["source", *SOURCE], ()),
    ],
)
def test_a_common_flag_that_means_nothing_to_a_role_is_noted(
    played: list[tuple[str, Any]], arguments: list[str], notes: tuple[str, ...]
) -> None:
    """The requirements have it for all roles, so it is no mistake; but it does nothing."""
    run(arguments)
    [(role, settings)] = played
    found = settings["notes"] if role == "orchestrator" else settings.notes
    assert found == notes


def test_a_common_flag_that_means_nothing_must_still_be_right(capsys: Capture, played: list[tuple[str, Any]]) -> None:
    """Or a misspelt one would never be noticed."""
    assert run(["sink", "--target", "nonsense"]) == ExitCode.USAGE
    assert "'--target': wanted sip:" in capsys.readouterr().err
    assert played == []


def test_a_colour_says_nothing_to_a_role(played: list[tuple[str, Any]]) -> None:
    """Its lines never have any; the orchestrator adds them."""
    run(["sink", "--color", "always"])
    run(["sink"])
    assert played[0] == played[1]


def modules_after(code: str) -> set[str]:
    """Return what Python has imported after running that, in a process of its own."""
    script = f"{code}\nimport sys; sys.stderr.write('|'.join(sys.modules))"
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True)
    return set(process.stderr.split("|"))


def test_the_help_tells_of_other_packages_commands_without_running_them() -> None:
    """It reads what they are for."""
    script = "import sys; from b2b.cli.app import run; run(['--help']); print('|', *sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    help_text, _, loaded = said.rpartition("|")
    assert re.search(r"rtp +the RTP streams of captures, as a table or as JSON", help_text)
    assert "harness.commands.rtp" not in loaded.split()


def test_the_help_imports_nothing_slow() -> None:
    """Neither numbers nor roles, and hardly more than click itself, which it may take 1.3 times as long as."""
    loaded = modules_after("from b2b.cli.app import run; run(['--help'])")
    clicks = modules_after("import click; click.Command('a').main(['--help'], standalone_mode=False)")
    assert "b2b.cli.app" in loaded
    ours = {name for name in loaded if name.startswith("b2b")}
    assert ours == {"b2b", "b2b.cli", "b2b.cli.app", "b2b.cli.commands", "b2b.errors", "b2b.flags"}
    assert not (loaded - clicks) & {"importlib.metadata", "email", "json", "logging", "socket", "traceback", "zipfile"}
    assert not loaded & {"numpy", "scipy", "subprocess", "ctypes", "multiprocessing", "asyncio"}


@pytest.mark.parametrize("folder", ["other-1.dist-info", "other.egg-info"])
def test_another_packages_command_is_found_and_runs(tmp_path: Path, folder: str) -> None:
    """Whatever stands before its module's docstring; another group's entry of that name is none of ours."""
    (tmp_path / folder).mkdir()
    entries = "[b2b.run]\nother = nosuch:nosuch\n\n[b2b.commands]\nother = other_code:command\n[other]\nx = y:z\n"
    (tmp_path / folder / "entry_points.txt").write_text(entries)
    code = '# Ours.\n\n"""A command: does it.\n\nMore."""\nimport click\n'
    (tmp_path / "other_code.py").write_text(f"{code}command = click.Command('other', callback=lambda: print('did'))\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    said = [
        subprocess.run([sys.executable, "-m", "b2b", word], cwd=ROOT, env=environment, capture_output=True, text=True)
        for word in ("--help", "other")
    ]
    assert re.search(r"other +does it\n", said[0].stdout)
    assert not re.search(r"^ +x ", said[0].stdout, re.MULTILINE)
    assert (said[1].stdout, said[1].returncode) == ("did\n", 0)


@pytest.mark.parametrize("role", CALLING_ROLES)
def test_a_role_imports_nothing_slow(role: str) -> None:
    """It is to be READY half a second after its start."""
    loaded = modules_after(f"import b2b.cli.roles, b2b.roles.main, b2b.roles.{role}")
    assert f"b2b.roles.{role}" in loaded
    assert not loaded & {"numpy", "scipy", "pydub", "asyncio", "multiprocessing", "b2b.orchestrator"}


def test_the_orchestrator_imports_nothing_slow() -> None:
    """From its start to the first packet there is a second and a half."""
    loaded = modules_after("import b2b.cli.roles, b2b.orchestrator.main")
    assert "b2b.orchestrator.main" in loaded
    assert not loaded & {"numpy", "scipy", "pydub", "asyncio", "multiprocessing", "harness"}


def test_the_program_itself_ends_with_the_code() -> None:
    """`python -m b2b`, and its help on standard output."""
    run_b2b = [sys.executable, "-m", "b2b"]
    mistake = subprocess.run([*run_b2b, "sink", "--nosuch"], cwd=ROOT, capture_output=True, check=False)
    assert (mistake.returncode, mistake.stdout) == (64, b"")
    helped = subprocess.run([*run_b2b, "--help"], cwd=ROOT, capture_output=True, check=False)
    assert (helped.returncode, helped.stderr) == (0, b"")
    assert b"Usage: b2b" in helped.stdout


def test_a_help_that_nobody_reads_to_its_end_is_no_failure() -> None:
    """As with `b2b --help | head -1`; 1 would mean that a check has failed."""
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run([sys.executable, "-m", "b2b", "--help"], cwd=ROOT, stdout=writing, check=False)
    os.close(writing)
    assert process.returncode == ExitCode.OK
