"""What is said about a plan that cannot be used: the place, what was wanted, what came."""

from __future__ import annotations

import re

import pytest

from b2b.errors import ExitCode, UsageError
from b2b.plan.load import load_plan

HUGE = "0x" + "f" * 5000

BAD_NODES = {
    "misspelt key": (
        'source.sip_target = "sip:sink"\nsource.audio_fiel = "a.wav"',
        "x.toml:3: topology.source.audio_fiel: unknown key; did you mean audio_file?",
    ),
    "flag instead of key": ('source.target = "sip:sink"', "source.target: unknown key; did you mean sip_target?"),
    "key of nobody": ("sink.volume = 3", "x.toml:2: topology.sink.volume: unknown key; a sink has role, sip_bind, "),
    "key of the command line": ('sink.log_format = "json"', "topology.sink.log_format: unknown key;"),
    "missing target": ('source.audio_file = "a.wav"', "x.toml:2: topology.source.sip_target: wanted, as the node is a"),
    "missing file": ('source.sip_target = "sip:sink"', "x.toml:2: topology.source.audio_file: wanted, as the"),
    "mixer without target": ('mixer.dtmf_seq = "1"', "x.toml:2: topology.mixer.sip_target: wanted"),
    "no table": ('sip_bind = "127.0.0.1:1"', "topology.sip_bind: wanted a table of settings, came the string"),
    "array": ("sink = [1]", "topology.sink: wanted a table of settings, came an array"),
    "name without role": ("ear.sip_user = 'x'", "x.toml:2: topology.ear: wanted a role (source or mixer"),
    "misspelt name": ("sinc.sip_user = 'x'", "topology.sinc: wanted a role"),
    "misspelt name, hint": ("sinc.sip_user = 'x'", "did you mean sink?"),
    "unknown role": ("ear.role = 'sinc'", "or sink or external, came the string 'sinc'; did you mean sink?"),
    "role of no call": ("o.role = 'orchestrator'", "topology.o.role: wanted source or mixer or sink or external, came"),
    "role of a wrong type": ("ear.role = 5", "wanted source or mixer or sink or external, came the integer 5"),
    "name that leads out": ("'../ear'.role = 'sink'", "wanted a name of letters, digits, - and _, came '../ear'"),
}
BAD_VALUES = {
    "string for integer": ('dtmf_period_ms = "2000"', "dtmf_period_ms: wanted a whole number, came the string '2000'"),
    "float for integer": ("dtmf_period_ms = 2000.0", "dtmf_period_ms: wanted a whole number, came the number 2000.0"),
    "boolean for integer": ("dtmf_period_ms = true", "dtmf_period_ms: wanted a whole number, came the boolean true"),
    "huge integer": (f"dtmf_period_ms = {HUGE}", "dtmf_period_ms: wanted a whole number, came an integer of more than"),
    "boolean for number": ("mix_gain_in = false", "mix_gain_in: wanted a number, came the boolean false"),
    "huge number": (f"mix_gain_in = {HUGE}", "mix_gain_in: wanted a number, came an integer of more than 64 bits"),
    "date for string": ("dtmf_seq = 2025-09-28", "dtmf_seq: wanted a string, came the value 2025-09-28"),
    "table for string": ("dtmf_seq.x = 1", "dtmf_seq: wanted a string, came a table"),
    "nan": ("mix_gain_in = nan", "mix_gain_in: wanted a number of at least 0, came nan"),
    "infinity": ("mix_gain_dtmf = inf", "mix_gain_dtmf: wanted a number of at least 0, came inf"),
    "below the minimum": ("dtmf_tone_ms = 39", "dtmf_tone_ms: wanted a whole number of at least 40, came 39"),
    "negative gain": ("mix_gain_in = -0.1", "mix_gain_in: wanted a number of at least 0, came -0.1"),
    "not above": ("dial_timeout_ms = 0", "dial_timeout_ms: wanted a whole number above 0, came 0"),
    "control characters": (r'dtmf_seq = "1\u001b"', r"dtmf_seq: wanted text without control characters, came '1\x1b'"),
    "no digit": ('dtmf_seq = "12-3"', "dtmf_seq: wanted digits of 0-9 * # A-D, came '-' in '12-3'"),
    "nothing but skipped": ('dtmf_seq = "+ "', "dtmf_seq: wanted digits of 0-9 * # A-D, came none in '+ '"),
    "too long": (
        'dtmf_seq = "123#"\nmixer.dtmf_period_ms = 639',
        "dtmf_seq: the sequence '123#' takes 640 ms, wanted at most its period of 639 ms",
    ),
    "user": ('sip_user = "a b"', "sip_user: wanted the user part of a SIP URI, came 'a b'"),
    "bind without port": ('sip_bind = "127.0.0.1"', "sip_bind: wanted an IPv4 address and port like 127.0.0.1:5062,"),
    "bind to a name": ('sip_bind = "localhost:5062"', "sip_bind: wanted an IPv4 address and port like"),
    "bind to IPv6": ('sip_bind = "[::1]:5062"', "sip_bind: wanted an IPv4 address and port like"),
    "bind to no address": ('sip_bind = "127.0.0.256:5062"', "sip_bind: wanted an IPv4 address and port like"),
    "bind port": ('sip_bind = "127.0.0.1:65536"', "sip_bind: wanted an IPv4 address and port like"),
}
BAD_TARGETS = {
    "sips:a@10.0.0.1": "wanted sip:[user@]host[:port], came 'sips:a@10.0.0.1'; TLS is not supported",
    "tel:+441": "wanted sip:[user@]host[:port], came 'tel:+441'; a phone number needs a host",
    "127.0.0.1:5062": "wanted sip:[user@]host[:port], came '127.0.0.1:5062'",
    "sip:": "wanted sip:[user@]host[:port], came 'sip:'",
    "sip:a@10.0.0.1;transport=tcp": "wanted sip:[user@]host[:port], came",
    "sip:a:secret@10.0.0.1": "wanted sip:[user@]host[:port], came",
    "sip:10.0.0": "wanted sip:[user@]host[:port], came 'sip:10.0.0'",
    "sip:10.0.0.1:0": "wanted a port from 1 to 65535, came 'sip:10.0.0.1:0'",
    "sip:10.0.0.1:65536": "wanted a port from 1 to 65535, came",
    "sip:0.0.0.0:5062": "wanted an address that can be called, came 'sip:0.0.0.0:5062'; did you mean YOUR_HOST_IP?",
}
BAD_TABLES = {
    "[topologie.sink]": "x.toml:1: topologie: unknown table; did you mean topology?",
    "[topology.sink]\n[expects]": "x.toml:2: expects: unknown table; did you mean expect?",
    "[topology.sink]\n[runs]": "x.toml:2: runs: unknown table; did you mean run?",
    "[topology.sink]\n[impairments]": "x.toml:2: impairments: unknown table; did you mean impairment?",
    "[topology]\n[sink]": "x.toml:2: sink: wanted below [topology], as [topology.sink], came at the top",
    "[expect]": "x.toml: wanted a table [topology], came none",
    "": "x.toml: wanted a table [topology], came none",
    "[topology]": "x.toml:1: topology: wanted a table of at least one source, mixer or sink, came none",
    "topology = 5": "x.toml:1: topology: wanted a table of at least one source, mixer or sink, came the integer 5",
    "expect = 5\n[topology.sink]": "x.toml:1: expect: wanted a table, came the integer 5",
    "[topology.sink]\n[expect]\nduration_s = 0": "x.toml:3: expect.duration_s: wanted a number above 0, came 0.0",
    "[topology.sink]\n[expect]\nduration_s = true": "x.toml:3: expect.duration_s: wanted a number, came the boolean",
    "[topology.sink]\n[expect]\nduration_s = nan": "x.toml:3: expect.duration_s: wanted a number above 0, came nan",
    "run = 10\n[topology.sink]": "x.toml:1: run: wanted a table, came the integer 10",
    "[topology.sink]\n[run]\nsped = 10": "x.toml:3: run.sped: unknown key; did you mean speed?",
    "[topology.sink]\n[run]\nspeed = 0.5": "x.toml:3: run.speed: wanted a number of at least 1, came 0.5",
    "[topology.sink]\n[run]\nspeed = 51": "x.toml:3: run.speed: wanted a number of at most 50, came 51.0",
    "[topology.sink]\n[run]\nspeed = nan": "x.toml:3: run.speed: wanted a number of at least 1, came nan",
    "[topology.sink]\n[run]\nspeed = true": "x.toml:3: run.speed: wanted a number, came the boolean true",
    "[topology]\n\nsink = = 1": "x.toml:3: not TOML: Invalid value",
    "[topology.sink]\n[topology.sink]": "x.toml:2: not TOML: Cannot declare",
    "[topology.sink]\nx = '": "x.toml:2: not TOML: ",
    f"x = {'[' * 5000}": "nested too deep",
    f"{'a.' * 1001}a = 1": "nested too deep",  # which tomllib reads, with most of a gigabyte
}


def refusal(read_plan, text: str) -> str:
    """Return the one line that is said about a bad plan."""
    with pytest.raises(UsageError) as caught:
        read_plan(text, "impairment")
    assert caught.value.code is ExitCode.USAGE
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("text", "sentence"), BAD_NODES.values(), ids=BAD_NODES)
def test_a_bad_node_is_refused(read_plan, text, sentence):
    """What is wrong with a node is said with its place, and with what was probably meant."""
    assert sentence in refusal(read_plan, f"[topology]\n{text}\n")


@pytest.mark.parametrize(("setting", "sentence"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_bad_value_is_refused(read_plan, setting, sentence):
    """What is wrong with a value is said with its key and line, what was wanted and what came."""
    text = f'[topology]\nmixer.sip_target = "sip:x.example"\nmixer.{setting}\n'
    assert refusal(read_plan, text).startswith(f"x.toml:3: topology.mixer.{sentence}")


@pytest.mark.parametrize(("setting", "sentence"), {
    "ptime_ms = 25": "ptime_ms: wanted 10 or 20 or 30 or 40, came the integer 25",
    "ptime_ms = 20.0": "ptime_ms: wanted 10 or 20 or 30 or 40, came the number 20.0",
    f"ptime_ms = {HUGE}": "ptime_ms: wanted 10 or 20 or 30 or 40, came an integer of more than 64 bits",
    'codec = "opus"': "codec: wanted pcmu or pcma or pcmu,pcma or pcma,pcmu, came the string 'opus'",
    "loop = 1": "loop: wanted true or false, came the integer 1",
    "duration_s = 0": "duration_s: wanted a number above 0, came 0.0",
    "hold = 2000": "hold: wanted a string, came the integer 2000",
    'hold = "4000-2000"': "hold: wanted from when to when in milliseconds from the answer, as 2000-4000, came "
    "'4000-2000'",
}.items())
def test_a_bad_value_of_a_source_is_refused(read_plan, setting, sentence):
    """Choices are choices of one type, and a switch is no number."""
    text = f'[topology.source]\naudio_file = "a.wav"\nsip_target = "sip:sink"\n{setting}\n'
    assert refusal(read_plan, text) == f"x.toml:4: topology.source.{sentence}"


@pytest.mark.parametrize(("target", "sentence"), BAD_TARGETS.items())
def test_a_bad_target_is_refused(read_plan, target, sentence):
    """Whatever is not sip:[user@]host[:port] is refused, and where there is more to say it is said."""
    text = f'[topology]\nmixer.sip_target = "{target}"\n'
    assert refusal(read_plan, text).startswith(f"x.toml:2: topology.mixer.sip_target: {sentence}")


@pytest.mark.parametrize(("text", "sentence"), BAD_TABLES.items(), ids=str)
def test_bad_tables_are_refused(read_plan, text, sentence):
    """A misspelt table is an error, as its content would be missing silently; so is what is no TOML."""
    assert sentence in refusal(read_plan, text)


@pytest.mark.parametrize("name", ["gone.wav", "", ".", "x" * 300, "loop"])
def test_an_audio_file_that_is_none_is_refused(read_plan, tmp_path, name):
    """A missing file, a folder, a name too long and a link to itself are all no file, and the path tried is told."""
    (tmp_path / "loop").symlink_to("loop")
    said = refusal(read_plan, f'[topology.source]\nsip_target = "sip:sink"\naudio_file = "{name}"')
    assert said.startswith(f"x.toml:3: topology.source.audio_file: wanted an existing file, came '{name}', and ")


@pytest.mark.parametrize(("first", "second"), [
    ("127.0.0.1:5062", "127.0.0.1:5062"),
    ("0.0.0.0:5062", "127.0.0.1:5062"),
    ("127.0.0.1:5062", "0.0.0.0:5062"),
    ("YOUR_HOST_IP:5062", "YOUR_HOST_IP:5062"),
])
def test_two_listeners_on_one_port_are_refused(read_plan, first, second):
    """One address and port is for one node; listening everywhere takes the port on each address."""
    text = f'[topology.sink]\nsip_bind="{first}"\n[topology.ear]\nrole = "sink"\nsip_bind = "{second}"'
    wanted = f"topology.ear.sip_bind: wanted an address of its own, came {second}, but sink listens on {first}"
    assert refusal(read_plan, text) == f"x.toml:5: {wanted}"


@pytest.mark.parametrize("name", ["gone.toml", "."])
def test_a_plan_that_cannot_be_read_is_refused(tmp_path, name):
    """A missing file and a folder are told as such."""
    with pytest.raises(UsageError, match=r"wanted a plan, but it cannot be read: (No such file|Is a directory)"):
        load_plan(tmp_path / name, known_tables=())


def test_a_plan_in_another_encoding_is_refused(tmp_path):
    """Where the first byte that is no UTF-8 stands is told."""
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# caf\xc3\xa9\n# caf\xe9\n")
    with pytest.raises(UsageError, match=re.escape("latin.toml:2: wanted TOML, which is UTF-8, came the byte 0xe9")):
        load_plan(path, known_tables=())
