"""report.html in a real browser: it opens, draws, plays, zooms and jumps, on a desk and on a phone."""

from __future__ import annotations

import pytest

from calls.pages import fits, unnamed
from calls.synthetic import check, make_run
from harness.report.page.of_run import view_of_run
from harness.report.page.write import page as page_of

WIDTHS = {"desk": 1280, "phone": 390}
LATE_S = 0.25
DRAWN = """canvas => new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer).some(pixel => pixel)"""

@pytest.fixture
def report(tmp_path):
    """Return the page of a call in which two packets were lost and something was heard wrong."""
    checks = [
        check("heard gap", "fail", at_s=1.75, got="60 ms silent"),
        check("gap", "fail", at_s=0.98, where="source -> sink", got="60 ms"),
        check("level", "pass"),
    ]
    call = make_run(tmp_path, lost=(50, 51), checks=checks, heard_after_s=LATE_S)
    lines = ("40.100+00:00 [SRC ] ! a warning", "41.500+00:00 [SINK] half way", "43.900+00:00 [ORCH] ✗ the end")
    (tmp_path / "run.log").write_text("".join(f"2001-09-09T01:46:{line}\n" for line in lines))
    path = tmp_path / "report.html"
    path.write_text(page_of([view_of_run(call, call.verdict, path)]))
    return path


def state(page, name):
    """Return what the timeline says of itself."""
    return page.locator(".timeline").get_attribute(f"data-{name}")


def drawn(page):
    """Wait until what has been asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def view(page):
    """Return what stretch of time is in view, once it has been drawn."""
    drawn(page)
    return tuple(map(float, state(page, "view").split()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_it_opens(report, look, others, width, scheme):
    """No complaint, nobody asked, no sideways scrolling; every row is drawn, and every control has a name."""
    page, complaints, asked = look(report, width, color_scheme=scheme)
    assert page.locator("h1").inner_text() == "✗ Failed"
    assert page.locator(".topology svg:visible").count() == 1
    page.wait_for_function("document.querySelector('.timeline').dataset.drawn === 'true'")
    for row in page.locator(".row").all():
        page.wait_for_function(DRAWN, arg=row.locator("canvas").element_handle())
    kinds = page.locator(".row").evaluate_all("rows => rows.map(row => row.classList[1])")
    sound = ["wave", "spectrum"]
    assert kinds == ["ruler", "phases", "findings", "sip", "said", *sound, *sound, "packets", *sound]
    assert unnamed(page) == []
    assert fits(page)
    assert complaints == []
    assert others(asked) == []


def test_it_plays(report, look):
    """By button and by key; what is heard moves on, and stops."""
    page, complaints, _ = look(report)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("Number(document.querySelector('.timeline').dataset.at) > 0.15")
    assert state(page, "playing") == "true"
    assert state(page, "track") == "heard-0"
    page.locator(".rows").press(" ")
    assert state(page, "playing") == "false"
    assert page.locator(".playhead:visible").count() >= 3
    assert complaints == []


def test_it_plays_from_just_before_the_sound(report, look):
    """As the place of a finding at the beginning of the call is: it waits for the sound."""
    page, complaints, _ = look(report)
    page.goto("about:blank")
    page.goto(f"{report.as_uri()}#t=0.1")
    drawn(page)
    page.keyboard.press("1")
    assert float(state(page, "at")) < -0.2
    page.get_by_role("button", name="Play", exact=True).click()
    assert state(page, "playing") == "true"
    page.wait_for_function("Number(document.querySelector('.timeline').dataset.at) > 0.05")
    assert state(page, "playing") == "true"
    assert complaints == []


def test_a_click_is_heard_there_and_the_source_at_the_same_instant(report, look):
    """A/B at a key press: the other sound goes on where this one was, by the delay that was measured."""
    page, complaints, _ = look(report)
    wave = page.locator(".row[data-row=heard-0] canvas")
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] * 0.6, "y": 20})
    assert state(page, "playing") == "true"
    start, end = view(page)
    clicked_s = start + 0.6 * (end - start)
    page.locator(".rows").press(" ")
    heard_s = float(state(page, "at"))
    assert heard_s >= clicked_s - 0.01
    page.keyboard.press("x")
    assert state(page, "track") == "file-0"
    assert float(state(page, "at")) == pytest.approx(heard_s - LATE_S, abs=0.003)
    page.keyboard.press("x")
    assert state(page, "track") == "heard-0"
    assert float(state(page, "at")) == pytest.approx(heard_s, abs=0.003)
    page.keyboard.press("2")
    assert state(page, "track") == "hop-0-0"
    assert complaints == []


def test_a_sound_can_be_saved(report, look):
    """As the page carries it."""
    page, complaints, _ = look(report)
    with page.expect_download() as download:
        page.get_by_role("button", name="save this sound").click()
    assert download.value.suggested_filename == "sink-heard.wav"
    assert download.value.path().read_bytes()[:4] == b"RIFF"
    assert complaints == []


def test_it_zooms(report, look):
    """By button, key, wheel and drag; and back to the whole."""
    page, complaints, _ = look(report)
    whole = view(page)
    page.get_by_role("button", name="zoom in").click()
    half = view(page)
    assert half[1] - half[0] == pytest.approx((whole[1] - whole[0]) / 2, abs=0.01)
    page.locator(".rows").press("ArrowRight")
    assert view(page)[0] > half[0]
    page.keyboard.press("0")
    assert view(page) == whole
    box = page.locator(".row[data-row=file-0] canvas").bounding_box()
    y = box["y"] + 20
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=3)
    page.mouse.up()
    dragged = view(page)
    assert dragged[0] == pytest.approx(whole[0] + 0.25 * (whole[1] - whole[0]), abs=0.05)
    assert dragged[1] == pytest.approx(whole[0] + 0.5 * (whole[1] - whole[0]), abs=0.05)
    before = state(page, "view")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function("before => document.querySelector('.timeline').dataset.view !== before", arg=before)
    assert view(page)[1] - view(page)[0] < dragged[1] - dragged[0]
    assert complaints == []


def test_it_jumps_to_what_it_found(report, look):
    """From a check to its place, and from one finding to the next by key."""
    page, complaints, _ = look(report)
    page.get_by_role("link", name="show sink: heard gap").click()
    start, end = view(page)
    assert start < 1.75 < end < start + 3
    assert "flash" in page.locator(".row[data-row=heard-0]").get_attribute("class")
    page.keyboard.press("p")
    start, end = view(page)
    assert start < 0.98 < end
    assert "gap: 60 ms" in page.locator(".readout").inner_text()
    page.locator(".log .jump").first.click()
    assert view(page)[0] < 0.1 < view(page)[1]
    assert complaints == []


def test_an_address_may_name_a_second(report, look):
    """So that a mail can say where to look."""
    page, complaints, _ = look(report)
    page.goto("about:blank")
    page.goto(f"{report.as_uri()}#t=2.5")
    start, end = view(page)
    assert start < 2.5 < end < start + 3
    assert complaints == []


def test_sounds_can_be_lined_up(report, look):
    """Then the measured delay is taken out, and what is heard is at one place in every row."""
    page, complaints, _ = look(report)
    wave = page.locator(".row[data-row=heard-0] canvas")
    wave.click(position={"x": 500, "y": 20})
    page.locator(".rows").press(" ")
    places = "heads => heads.filter(one => !one.hidden && one.closest('.wave')).map(one => one.style.transform)"
    assert len(set(page.locator(".playhead").evaluate_all(places))) == 2
    page.keyboard.press("l")
    view(page)
    assert len(set(page.locator(".playhead").evaluate_all(places))) == 1
    assert complaints == []


def test_the_log_is_filtered(report, look):
    """By level, node, words, and by what is in view."""
    page, complaints, _ = look(report)
    lines = page.locator(".log tr:visible")
    assert lines.count() == 3
    page.get_by_label("level").select_option("WARNING")
    assert lines.count() == 2
    page.get_by_label("orchestrator").uncheck()
    assert lines.all_inner_texts()[0].endswith("! a warning")
    page.get_by_label("level").select_option("DEBUG")
    page.get_by_label("text that lines contain").fill("HALF")
    assert page.locator(".log .count").inner_text() == "1 of 3 lines"
    page.get_by_label("only the stretch in view").check()
    page.get_by_role("link", name="show sink: heard gap").click()
    page.get_by_role("button", name="zoom in").click()
    page.get_by_role("button", name="zoom in").click()
    view(page)
    assert lines.count() == 0
    assert complaints == []


def test_light_and_dark_can_be_chosen(report, look):
    """Against what the system has."""
    page, complaints, _ = look(report, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.keyboard.press("t")
    assert page.evaluate(paper) == light
    page.get_by_role("button", name="colours: light").click()
    assert page.evaluate(paper) != light
    assert complaints == []


def test_it_is_printed_dark_on_light(report, look):
    """Whatever is on the screen; the timeline, too, and without what nobody can press on paper."""
    page, complaints, _ = look(report, color_scheme="dark")
    drawn(page)
    ink = """() => {
        const canvas = document.querySelector(".row.wave canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const at = pixels.findIndex((value, i) => i % 4 === 3 && value === 255);
        return pixels[at - 3] + pixels[at - 2] + pixels[at - 1];
    }"""
    on_screen = page.evaluate(ink)
    page.emulate_media(media="print")
    page.wait_for_function(f"before => ({ink})() < before", arg=on_screen)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("audio:visible, .toolbar:visible, .filters:visible").count() == 0
    assert complaints == []


def test_it_tells_what_matters_without_scripts(report, look):
    """As where Allure shows it: verdict, checks, figures, and players that play."""
    page, complaints, _ = look(report, java_script_enabled=False)
    assert page.locator("h1").inner_text() == "✗ Failed"
    assert page.locator(".amiss li").count() == 2
    assert page.locator(".toolbar").is_hidden()
    players = page.locator("audio:visible")
    assert players.count() == 4, "played, captured, heard, and what is amiss"
    assert complaints == []


def test_its_players_play(report, look, length_of):
    """Each has a name and a length, and its time moves on."""
    page, complaints, _ = look(report)
    for player in page.locator("audio").all():
        assert player.get_attribute("aria-label")
        assert length_of(player) > 1
        player.evaluate("player => { player.muted = true; return player.play(); }")
        page.wait_for_function("player => player.currentTime > 0.05", arg=player.element_handle())
    assert complaints == []


def test_two_runs_side_by_side(tmp_path, look):
    """Each with a timeline of its own, and the keys mean the one that was touched last."""
    views = []
    for name, late_s in (("one", 0.1), ("other", 0.4)):
        (tmp_path / name).mkdir()
        call = make_run(tmp_path / name, checks=[check("gap", "pass")], heard_after_s=late_s)
        views.append(view_of_run(call, call.verdict, None))
    path = tmp_path / "both.html"
    path.write_text(page_of(views))
    page, complaints, _ = look(path, 1600)
    left, right = (page.locator(".timeline").nth(at) for at in range(2))
    assert left.bounding_box()["x"] + left.bounding_box()["width"] <= right.bounding_box()["x"]
    before = left.get_attribute("data-view")
    right.locator(".row[data-row=heard-0] canvas").click(position={"x": 100, "y": 20})
    page.keyboard.press("+")
    page.wait_for_function("document.querySelectorAll('.timeline')[1].dataset.playing === 'true'")
    drawn(page)
    assert left.get_attribute("data-view") == before
    assert right.get_attribute("data-view") != before
    assert complaints == []
