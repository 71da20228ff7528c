"""What can be wrong with a call, as Allure sorts its tests; the same rules serve Allure 2 and 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FAILED, BROKEN, SKIPPED = "failed", "broken", "skipped"

# By the sentences that checks make of themselves, `mixer -> sink: gap: wanted …`; the first that matches counts.
RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Host stalled: could not tell", (FAILED, BROKEN, SKIPPED), r"could not tell: "),
    ("Set-up: no call, or a role failed", (FAILED, BROKEN), r": roles: wanted |NoCallError|UsageError"),
    ("Gap: late, lost or silent", (FAILED,), r": (gap|lost|heard gap|media): wanted "),
    ("DTMF: missing or wrong digits", (FAILED,), r": dtmf: wanted "),
    ("Level: too loud, too quiet, clipped, not heard", (FAILED,), r": (level|clipped|heard|recording): wanted "),
    ("Codec: not the one agreed", (FAILED,), r": codec: wanted "),
)


def rules() -> list[dict[str, Any]]:
    """Return the categories as Allure reads them."""
    return [
        {"name": name, "matchedStatuses": list(statuses), "messageRegex": rf"[\s\S]*({pattern})[\s\S]*"}
        for name, statuses, pattern in RULES
    ]


def write_allure2(results: Path) -> None:
    """Write categories.json into a folder of results, where Allure 2 looks for it; Allure 3 has them from its page."""
    (results / "categories.json").write_text(json.dumps(rules(), indent=2) + "\n", encoding="utf-8")
