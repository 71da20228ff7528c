"""`b2b compare` and `b2b history` as they are typed."""

from __future__ import annotations

import fcntl
import re

import pytest

from b2b.cli.app import run
from calls.many_runs import made_up
from calls.synthetic import check, make_run


@pytest.fixture
def typed(capsys, monkeypatch, tmp_path):
    """Return a function that runs a command in a folder of its own, and returns its exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def typed(*arguments: object):
        code = run([*map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return typed


@pytest.fixture
def pair(tmp_path):
    """Make two calls, the later of which lost two packets."""
    for name, lost, outcome in (("good", (), "pass"), ("bad", (50, 51), "fail")):
        (tmp_path / name).mkdir()
        make_run(tmp_path / name, lost=lost, checks=[check("gap", outcome, where="source -> sink")])


def test_two_runs_of_which_the_later_is_worse(typed, pair, tmp_path):
    """What is worse in words, 1, and a page with both; the other way round it is better, and 0."""
    code, said = typed("compare", "good", "bad")
    assert code == 1
    assert "  source -> sink: packets lost: 0 before, 2 now\n" in said
    assert said.endswith("bad is worse\npage: reports/compare.html\n")
    html = (tmp_path / "reports" / "compare.html").read_text()
    assert html.count('<article class="run"') == 2
    assert "▼ worse" in html
    code, said = typed("compare", "bad", "good", "-o", "other.html")
    assert code == 0
    assert "better:\n  source -> sink: gap: fail before, pass now: that\n" in said
    assert said.endswith("good is no worse\npage: other.html\n")


def test_runs_of_different_plans_have_few_lines(typed, pair, tmp_path):
    """What only one of them has is counted for each leg, unless it is amiss; a page has it all."""
    (tmp_path / "other").mkdir()
    checks = [check(f"check {n}", "fail" if n == 5 else "pass", where="source -> mixer") for n in range(8)]
    make_run(tmp_path / "other", checks=checks)
    said = typed("compare", "good", "other")[1]
    assert "only in the second:\n  source -> mixer: check 5: not checked before, fail now: that\n" in said
    assert "  source -> mixer: 7 checks or figures\n" in said
    assert "check 3" in (tmp_path / "reports" / "compare.html").read_text()


def test_more_than_two_runs_are_a_history(typed, tmp_path):
    """In the order in which they began, whatever they were typed in."""
    for number, outcome in enumerate(("pass", "fail", "fail")):
        made_up(tmp_path / str(number), at_s=number, outcome=outcome)
    code, said = typed("compare", "2", "0", "1")
    assert code == 1
    assert re.match(r"sk: bad since .* \(1: source -> sink: gap: .*\); last good .* \(0\)\n", said)
    assert "page: reports/compare.html" in said
    assert "the first bad run" in (tmp_path / "reports" / "compare.html").read_text()


def test_the_history_of_what_is_there(typed, tmp_path):
    """Those below reports/runs/, without being asked for; 0 as long as the newest of each plan is good."""
    for number, outcome in enumerate(("fail", "pass")):
        made_up(tmp_path / "reports" / "runs" / str(number), at_s=number, outcome=outcome)
    code, said = typed("history")
    assert code == 0
    assert said.startswith("sk: good, last ")
    assert said.endswith("page: reports/history.html\n")
    html = (tmp_path / "reports" / "history.html").read_text()
    assert 'href="runs/1"' in html, "relative to the page"
    assert not re.search(r'(?:src|href)="[a-z]+:', html)


def test_a_run_that_goes_on_is_left_out(typed, tmp_path):
    """Nobody knows yet how it will end."""
    folders = [made_up(tmp_path / "runs" / name).folder for name in ("one", "two")]
    with (folders[1] / "events.jsonl").open() as events:
        fcntl.flock(events, fcntl.LOCK_EX)
        code, said = typed("history", "runs")
        assert code == 0
        assert "1 of 1 runs were good" in said
        code, said = typed("compare", *folders)
        assert code == 64
        assert f"{folders[1]}: wanted a run that is over, this one goes on" in said
        assert typed("history", folders[1])[0] == 64


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("compare", "one"), "Error: wanted at least two run folders, came 1; `b2b history` takes a folder of runs\n"),
        (("compare", "no", "one"), "no: wanted a run folder, but there is no events.jsonl in it, so it is none\n"),
        (("history", "no"), "Error: no: wanted run folders, but it cannot be read: No such file or directory\n"),
        (("history",), "Error: reports/runs: wanted run folders, but it cannot be read: No such file or directory\n"),
        (("history", "one", "-o", "one"), "Error: --output: cannot write one: Is a directory\n"),
    ],
)
def test_what_cannot_be_compared(typed, tmp_path, arguments, says):
    """One sentence, and 64."""
    made_up(tmp_path / "one")
    code, said = typed(*arguments)
    assert code == 64
    assert said.endswith(says)


def test_what_somebody_else_wrote_stays_text(typed, tmp_path):
    """Neither a page nor a terminal obeys it."""
    evil = "<script>alert(1)</script>\x1b[31m"
    made_up(tmp_path / "a", plan=f"plans/{evil}.plan.toml", sink={"digits": evil})
    made_up(tmp_path / "b", plan=f"plans/{evil}.plan.toml", outcome="fail", at_s=1)
    for command in (("history", "."), ("compare", "a", "b")):
        _, said = typed(*command, "-o", "page.html")
        assert "\x1b" not in said
        html = (tmp_path / "page.html").read_text()
        assert "alert(1)</script>" not in html
        assert "\x1b" not in html


@pytest.mark.parametrize("left", ["summary.json", "verdict.json", "events.jsonl", "plan.toml", "figures.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "\xff"])
def test_half_a_run_does_not_hide_the_others(typed, tmp_path, left, content):
    """What cannot be read of a run is not known of it; the history is about all of them."""
    made_up(tmp_path / "runs" / "good")
    made_up(tmp_path / "runs" / "half", at_s=1)
    (tmp_path / "runs" / "half" / left).write_text(content, encoding="latin-1")
    code, said = typed("history", "runs")
    assert code in (0, 1), said
    assert "runs/good" in said
    assert "runs/half" in said
