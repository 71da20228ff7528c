"""Makes the page of views: templates, style and scripts are files of their own, and all in one in the end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from graphlib import TopologicalSorter
from importlib import resources
from typing import Any

import jinja2

from harness.report.page.encode import plain
from harness.report.page.view import MARKS, WORDS, View

ASSETS = resources.files("harness.report") / "assets"
STYLE = "page.css"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z_]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ", re.MULTILINE)
# What the scripts draw, and nobody else.
DRAWN = ("start_s", "end_s", "origin_s", "tracks", "strips", "stalls", "phases", "impaired")


@cache
def environment() -> jinja2.Environment:
    """Return what turns the templates into text; whatever is put into them is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        finalize=_printable, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def warm() -> None:
    """Read the templates and scripts, which are the same for every page."""
    for name in environment().list_templates():
        environment().get_template(name)
    script()


def page(views: Sequence[View]) -> str:
    """Return one page about one run, or about several side by side."""
    title = " · ".join(f"{MARKS[view.outcome]} {view.name}: {WORDS[view.outcome]}" for view in views)
    return render("page.html", title=title, views=views)


def render(template: str, *, title: str, views: Sequence[View], styles: Sequence[str] = (STYLE,), **more: Any) -> str:
    """Return a page from one of our templates, all in one; `more` is what the template asks for beside the views."""
    return environment().get_template(template).render(
        views=views,
        title=title,
        marks={outcome.value: mark for outcome, mark in MARKS.items()},
        words={outcome.value: word for outcome, word in WORDS.items()},
        style="\n".join(_asset(name) for name in styles),
        script=script(),
        drawn=_drawn,
        **more,
    )


def _printable(value: Any) -> Any:
    """Return what may stand in a page: of text that somebody else wrote, without what a terminal or an eye obeys."""
    return plain(value) if type(value) is str else value


@cache
def script() -> str:
    """Return the scripts' modules as one, each behind those that it imports, with no name left for anybody else."""
    modules = {path.name.removesuffix(".js"): path.read_text("utf-8") for path in _scripts()}
    order = TopologicalSorter({name: IMPORT.findall(text) for name, text in modules.items()}).static_order()
    bodies = (EXPORT.sub("", IMPORT.sub("", modules[name])) for name in order)
    return "(() => {\n\"use strict\";\n" + "\n".join(bodies) + "})();\n"


def _scripts() -> list[Any]:
    return sorted((path for path in ASSETS.iterdir() if path.name.endswith(".js")), key=lambda path: path.name)


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


def _drawn(view: View) -> dict[str, Any]:
    """Return what the scripts draw; a track's sound they find in its players."""
    values = {name: value for name, value in asdict(view).items() if name in DRAWN}
    for track in values["tracks"]:
        for piece in track["pieces"]:
            del piece["source"]
    return values
