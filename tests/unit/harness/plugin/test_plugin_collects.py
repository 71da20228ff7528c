"""What the plugin collects, and what it tells of itself: as its user sees it, without a call."""

from __future__ import annotations

import pytest

PLAN = """
[topology]
source = { sip_target = "sip:sink", audio_file = "a.wav" }
sink = {}
"""
EXPECT = "[expect]\nduration_s = 5\n"


@pytest.fixture
def plans(pytester):
    """Return a function that writes plans, by name and text, beside the audio file that they play."""

    def write(**texts: str) -> None:
        folder = pytester.mkdir("plans")
        (folder / "a.wav").touch()
        for name, text in texts.items():
            (folder / f"{name}.plan.toml").write_text(text)

    return write


def test_a_plan_that_expects_something_is_a_test_named_after_its_file(pytester, plans):
    """Other plans and other files are none."""
    plans(good=PLAN + EXPECT, silent=PLAN)
    result = pytester.runpytest("--collect-only", "-q", "plans")
    result.stdout.fnmatch_lines(["plans/good.plan.toml::good", "", "1 test collected*"])


def test_plans_are_chosen_like_any_test(pytester, plans):
    """By -k, by node id and by mark."""
    plans(one=PLAN + EXPECT, two=PLAN + EXPECT)
    for chosen in ("plans -k two", "plans/two.plan.toml::two", "plans -m plan --deselect plans/one.plan.toml"):
        result = pytester.runpytest("--collect-only", "-q", "--strict-markers", *chosen.split())
        result.stdout.fnmatch_lines(["plans/two.plan.toml::two"])
        assert "::one" not in result.stdout.str()


@pytest.mark.parametrize(("text", "sentence"), [
    (PLAN.replace("audio_file", "audio_fi"), "*bad.plan.toml:3: topology.source.audio_fi: *did you mean audio_file?"),
    (PLAN + EXPECT + "max_gap = 1", "*bad.plan.toml:7: expect.max_gap: unknown key; did you mean max_gap_ms?"),
    ("x", "*bad.plan.toml:1: not TOML: *"),
    (PLAN.replace("a.wav", "b.wav") + EXPECT, "*bad.plan.toml:3: topology.source.audio_file: wanted an existing file*"),
])  # fmt: skip
def test_a_broken_plan_is_a_collection_error(pytester, plans, text, sentence):
    """With file, line and key, and without a traceback."""
    plans(bad=text)
    result = pytester.runpytest("plans")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*ERROR collecting plans/bad.plan.toml*", sentence])
    assert "Traceback" not in result.stdout.str()


def test_a_plan_that_was_named_and_expects_nothing_is_an_error(pytester, plans):
    """Rather than no test, which would look like success."""
    plans(silent=PLAN)
    result = pytester.runpytest("plans/silent.plan.toml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*silent.plan.toml: wanted a table ?expect?, came none, so there is nothing to test"])


@pytest.mark.parametrize("name", ["b2b", "harness.plugin"])
def test_the_plugin_can_be_left_out(pytester, plans, name):
    """By its own name as by that of its module; then no plan is a test."""
    plans(good=PLAN + EXPECT)
    result = pytester.runpytest("-p", f"no:{name}", "plans")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "b2b: network" not in result.stdout.str()


def test_a_conftest_may_load_it_as_well(pytester, plans):
    """The entry point and the conftest name the same module, so it is loaded once."""
    plans(good=PLAN + EXPECT)
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    result = pytester.runpytest_subprocess("--collect-only", "-q", "plans")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["plans/good.plan.toml::good"])


def test_help_fixtures_and_markers_tell_of_it(pytester):
    """Everything that a user may say or use is documented by pytest itself."""
    result = pytester.runpytest("--help")
    for option in ("keep={failed,all,none}", "unknown={error,skip}", "network=*", "reports=DIR"):
        result.stdout.fnmatch_lines([f"*--b2b-{option}*"])
    for setting in ("b2b_keep", "b2b_unknown", "b2b_network", "b2b_reports"):
        result.stdout.fnmatch_lines([f"*{setting} (string):*"])
    fixtures = pytester.runpytest("--fixtures").stdout
    fixtures.fnmatch_lines_random(["call -- *", "topology -- *", "b2b_network -- *", "b2b_changes -- *"])
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.plan(path, duration_s=None, *"])


def test_the_configuration_file_has_defaults(pytester):
    """The command line wins over them."""
    pytester.makeini("[pytest]\nb2b_keep = all\nb2b_reports = out")
    assert "b2b: network auto, keeps all run folders in" in pytester.runpytest().stdout.str()
    header = pytester.runpytest("--b2b-keep", "none", "--b2b-network", "host").stdout
    header.fnmatch_lines(["b2b: network host, keeps none run folders in */out/runs"])


def test_a_wrong_setting_is_a_usage_error(pytester):
    """With what may be said."""
    pytester.makeini("[pytest]\nb2b_keep = some")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*b2b_keep: wanted one of failed, all, none, came 'some'"])


def test_the_fixture_without_a_mark_says_what_it_wants(pytester):
    """And how it is written."""
    pytester.makepyfile("def test_it(call): pass")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*the fixture call wants a mark on the test: @pytest.mark.plan("FILE.plan.toml", *'])


def test_a_plan_that_is_not_there_fails_with_its_name(pytester):
    """In one sentence, and no folder is left."""
    pytester.makepyfile("def test_it(topology):\n    with topology('no.plan.toml'): pass")
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no.plan.toml: wanted a plan, but it cannot be read: No such file or directory"])
    assert "Traceback" not in result.stdout.str()
    assert not (pytester.path / "reports" / "runs").exists()


def test_a_session_without_calls_leaves_no_report(pytester):
    """The plugin is loaded in every session of its environment."""
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    assert "b2b calls" not in result.stdout.str()
    assert not (pytester.path / "reports").exists()


def test_nothing_heavy_is_loaded_before_a_call():
    """A session that makes no call must not wait for numpy."""
    import subprocess
    import sys

    loaded = "import sys, harness.plugin.hooks; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "harness.plugin.hooks" in said
    assert not {"numpy", "scipy", "dpkt", "jinja2", "allure"} & set(said)


DEVICE = """
[topology]
source = { sip_target = "sip:pbx", audio_file = "a.wav" }
pbx = { role = "external", address = "127.0.0.1:5060", command = ["no-such-pbx"] }
"""


@pytest.mark.parametrize(("more", "why"), [
    ("", "pbx: there is no program no-such-pbx on PATH"),
    ('o = { role = "external", address = "127.0.0.1:9", command = ["sh"], needs = ["false"] }\n', "o: `false` fails"),
])  # fmt: skip
def test_a_plan_whose_device_is_not_installed_is_said_to_be_none(pytester, plans, more, why):
    """Its call is not made, and the end of the session says so, and what was looked for."""
    plans(pbx=(DEVICE if not more else DEVICE.replace("no-such-pbx", "sh")) + more + EXPECT)
    result = pytester.runpytest("plans")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"plans/pbx.plan.toml::pbx  - not made, as a device is not installed: {why}"])
