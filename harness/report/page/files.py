"""The files that a page offers: small ones in itself, others where they lie beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from harness.report import clips
from harness.report.page.view import Download
from harness.verdict import FILE, Verdict

KINDS = {
    ".pcap": "application/vnd.tcpdump.pcap", ".pcapng": "application/vnd.tcpdump.pcap", ".wav": "audio/wav",
    ".json": "application/json",
}  # fmt: skip
SMALL, MOST = 200_000, 500_000  # octets that one file, and all together, may add to the page


def of_verdict(verdict: Verdict) -> Download:
    """Return the verdict that the page is about, which need not be the one that lies in the run's folder."""
    content = verdict.to_json().encode()
    return Download(FILE, "the verdict and its checks", len(content), clips.data_uri(content, KINDS[".json"]))


def downloads(folder: Path, names: Mapping[str, str], page: Path | None) -> Iterator[Download]:
    """Yield those of the files that are there; `page` is where the page will lie, None where nothing lies beside it."""
    carried = 0
    for name, what in names.items():
        path = folder / name
        if not path.is_file():
            continue
        size = path.stat().st_size
        href = _relative(path, page.parent) if page else ""
        if size <= SMALL and carried + size <= MOST:
            carried += size
            href = clips.data_uri(path.read_bytes(), KINDS.get(path.suffix, "text/plain;charset=utf-8"))
        yield Download(name, what, size, href)


def _relative(path: Path, folder: Path) -> str:
    return quote(os.path.relpath(path.absolute(), folder.absolute()))
