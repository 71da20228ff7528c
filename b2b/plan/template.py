"""Placeholders in a device's command and files: `{address}`, `{sink.port}`; every other brace is left alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from b2b.errors import UsageError
from b2b.plan.check import did_you_mean

NAME = r"[A-Za-z][A-Za-z0-9_-]*(?:\.[a-z_]+)?"
# `{{word}}` is the text {word}; `${word}` belongs to shells and dial plans.
PLACEHOLDER = re.compile(rf"\{{\{{(?P<escaped>{NAME})\}}\}}|(?<!\$)\{{(?P<name>{NAME})\}}")

RUN_DIR, PLAN_DIR = "run_dir", "plan_dir"
# The device's sound in the form that it plays, and the file that it becomes in the device's folder.
AUDIO = {"audio_wav": "audio.wav", "audio_ulaw": "audio.ul", "audio_alaw": "audio.al", "audio_pcap": "audio.pcap"}
OWN = (RUN_DIR, PLAN_DIR, "address", "ip", "port")
OF_OTHERS = ("address", "ip", "port", "user")


def names(nodes: Iterable[str], *, with_audio: bool) -> tuple[str, ...]:
    """Return the placeholders of a device: its own, and those of the other nodes."""
    own = (*OWN, *(AUDIO if with_audio else ()))
    return (*own, *(f"{node}.{word}" for node in nodes for word in OF_OTHERS))


def used(text: str) -> set[str]:
    """Return the placeholders in a text."""
    return {found["name"] for found in PLACEHOLDER.finditer(text) if found["name"]}


def check(text: str, known: Collection[str]) -> None:
    """Raise UsageError for the first placeholder that there is not, with its line in a text of several."""
    for found in PLACEHOLDER.finditer(text):
        name = found["name"]
        if name and name not in known:
            line = f"line {text.count(chr(10), 0, found.start()) + 1}: " if "\n" in text else ""
            hint = did_you_mean(name, known, otherwise=f"there is {', '.join(known)}")
            raise UsageError(f"{line}unknown placeholder {{{name}}}; {hint} ({{{{{name}}}}} is the text itself)")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every placeholder replaced."""
    return PLACEHOLDER.sub(lambda found: f"{{{found['escaped']}}}" if found["escaped"] else values[found["name"]], text)
