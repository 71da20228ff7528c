"""The pages of comparisons in a real browser: two runs side by side, and the history of many."""

from __future__ import annotations

import pytest

from b2b.cli.app import run
from calls.many_runs import DAY_S, made_up
from calls.pages import fits, unnamed
from calls.synthetic import check, make_run

WIDTHS = {"desk": 1280, "phone": 390}
OUTCOMES = ["pass"] * 8 + ["unknown", "pass", "error", "pass", "fail", "fail", "unknown", "fail"]


@pytest.fixture
def history(tmp_path):
    """Return the page of sixteen runs of one plan, which became bad, and of two of another."""
    for number, outcome in enumerate(OUTCOMES):
        folder = tmp_path / "runs" / f"smk-{number:02d}"
        leg = {"max_gap_arrival_ms": 64.0 if outcome == "fail" else 22.0 + number % 3}
        made_up(folder, at_s=number * DAY_S / 3, plan="smk.plan.toml", outcome=outcome, leg=leg)
        (folder / "report.html").write_text(f"<title>{folder.name}</title>")
    for number in range(2):
        made_up(tmp_path / "runs" / f"sk-{number}", at_s=number * DAY_S)
    assert run(["history", str(tmp_path / "runs"), "-o", str(tmp_path / "out" / "history.html")]) == 1
    return tmp_path / "out" / "history.html"


@pytest.fixture
def comparison(tmp_path):
    """Return the page of two calls, the later of which lost two packets."""
    for name, lost, outcome in (("good", (), "pass"), ("bad", (50, 51), "fail")):
        (tmp_path / name).mkdir()
        checks = [check("gap", outcome, where="source -> sink", at_s=0.98 if lost else None)]
        make_run(tmp_path / name, lost=lost, checks=checks)
    assert run(["compare", str(tmp_path / "good"), str(tmp_path / "bad"), "-o", str(tmp_path / "compare.html")]) == 1
    return tmp_path / "compare.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_the_history_opens(history, look, others, width, scheme):
    """No complaint, nobody asked, no sideways scrolling, a name for every control; what went wrong stands out."""
    page, complaints, asked = look(history, width, color_scheme=scheme)
    assert page.locator("h2").all_inner_texts() == ["✗ smk", "✓ sk"]
    assert "Bad since" in page.locator(".plan >> nth=0").inner_text()
    assert page.locator("tr.is-first-bad a").inner_text() == "smk-12"
    assert page.locator("tr.is-last-good a").inner_text() == "smk-11"
    assert page.locator(".plan >> nth=0 >> figure").count() == 4
    assert page.locator(".plan >> nth=0 >> figure >> nth=0 >> .point").count() == len(OUTCOMES)
    assert page.locator("path.first-bad").count() == 4
    assert unnamed(page) == []
    assert fits(page)
    assert complaints == []
    assert others(asked) == []


def test_each_run_of_the_history_leads_to_its_page(history, look):
    """From its point in a chart and from its row in the table; relative to where the page lies."""
    page, complaints, _ = look(history)
    page.locator(".point >> nth=3").click()
    page.wait_for_function("document.title === 'smk-03'")
    page.go_back()
    page.get_by_role("link", name="smk-12", exact=True).click()
    page.wait_for_function("document.title === 'smk-12'")
    assert complaints == []


def test_the_history_tells_of_outcomes_without_colours_too(history, look):
    """By shape in the charts and by word in the table."""
    page, _, _ = look(history)
    shapes = {
        kind: page.locator(f".point.{kind} > :last-child").first.evaluate("one => one.getAttribute('d') || one.tagName")
        for kind in ("pass", "fail", "unknown")
    }
    assert len({shape.split()[-1] for shape in shapes.values()}) == 3
    words = page.locator(".plan >> nth=0 >> .each td.state").all_inner_texts()
    assert sorted(set(words)) == ["? could not tell", "✓ pass", "✗ fail", "✗ no call"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_the_comparison_opens(comparison, look, others, width, scheme):
    """What differs is on top, and below it are both calls: beside each other where there is room."""
    page, complaints, asked = look(comparison, width, color_scheme=scheme)
    assert page.locator("h1").all_inner_texts() == ["✗ Worse", "✓ Passed", "✗ Failed"]
    worse = page.locator(".comparison > .scroll tr.worse").all_inner_texts()
    assert any("packets lost" in row and "▼ worse" in row for row in worse)
    one, other = (page.locator(f"#run-{number}").bounding_box() for number in (0, 1))
    assert (one["y"] == other["y"]) == (width == WIDTHS["desk"])
    assert page.locator(".timeline").count() == 2
    page.locator(".comparison summary").click()
    assert page.locator(".comparison details tr.same >> nth=0").is_visible()
    assert unnamed(page) == []
    assert fits(page)
    assert complaints == []
    assert others(asked) == []


def test_both_calls_of_a_comparison_play(comparison, look):
    """Each by its own button."""
    page, complaints, _ = look(comparison)
    for number in (0, 1):
        page.locator(f"#run-{number} .play").click()
        moved = f"Number(document.querySelector('#run-{number} .timeline').dataset.at) > 0.15"
        page.wait_for_function(moved)
    assert complaints == []
