"""What a page in a browser must have, whatever it is about."""

from __future__ import annotations

from typing import Any

CONTROLS = "button, a, input, select, audio, canvas, summary, [tabindex], svg[role]"
UNNAMED = """controls => [...document.querySelectorAll(controls)]
    .filter(one => !one.closest("[hidden]"))
    .filter(one => !(one.ariaLabel || one.labels?.length || one.innerText?.trim() || one.textContent.trim()))
    .map(one => one.outerHTML.slice(0, 120))"""
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def unnamed(page: Any) -> list[str]:
    """Return the controls that have no name for whoever cannot see them."""
    found: list[str] = page.evaluate(UNNAMED, CONTROLS)
    return found


def fits(page: Any) -> bool:
    """Whether nothing reaches beyond the window's right side."""
    return bool(page.evaluate(FITS))
