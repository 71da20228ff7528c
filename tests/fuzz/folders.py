"""Targets made of run folders: one file of a good one is replaced, and everything that reads runs reads it."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
from functools import cache
from pathlib import Path

from b2b.errors import B2bError
from b2b.orchestrator import hooks
from calls.synthetic import check, make_run
from fuzz.places import harmless, said
from harness.commands.compare import compare as compare_command
from harness.commands.judge import judge as judge_command
from harness.compare import text
from harness.compare.difference import difference
from harness.compare.history import histories
from harness.compare.runs import run_of, runs_in
from harness.figures import Figures, keep
from harness.watch.show import show
from harness.watch.watched import Watched

# What a fuzzed folder has in its first octet is the file that the others are put into.
FILES = (
    "plan.toml", "summary.json", "verdict.json", "events.jsonl", "metrics.jsonl", "figures.json", "host.jsonl",
    "capture.json", "impair.jsonl", "run.log", "versions.json", "capture.pcap", "sink.wav",
)  # fmt: skip
JSON_FILES = 11  # of which the first so many are texts
LEG, SINK = {"packets": 200, "missing": 0, "mos_lqe": 4.4}, {"digits": "1", "delay_ms": 40.0}


@cache
def good() -> Path:
    """Return a folder with a small run that is as it should be, and a copy of it beside."""
    folder = place(os.getpid())
    folder.mkdir(mode=0o700)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("good", "run"):
        (folder / name).mkdir()
        _fill(folder / name)
    return folder


def place(process: int) -> Path:
    """Return the folder in memory where a process has its runs."""
    return Path(f"/dev/shm/b2b-fuzz-{process}")


def _fill(folder: Path) -> None:
    checks = [check("gap", "pass", where="source -> sink"), check("level", "fail", at_s=1.0)]
    make_run(folder, seconds=0.6, checks=checks)
    keep(folder, Figures(legs={"source -> sink": LEG}, sinks={"sink": SINK}))
    (folder / "metrics.jsonl").write_text(
        '{"wall_s": 1000000001.0, "mono_s": 1.0, "node": "sink", "packets_rx": 50, "rtp_loss": 0, "packets_tx": 50,'
        ' "jitter_ms_p50": 0.1, "jitter_ms_p95": 0.2, "cpu_pct": 3.1, "level_in_dbov": -20.0}\n'
    )
    (folder / "host.jsonl").write_text(
        '{"start_s": 1000000000.2, "length_s": 0.03}\n'
        '{"start_s": 1000000000.2, "end_s": 1000000000.3, "length_s": 0.03, "group": 7, "thread": 8}\n'
    )
    (folder / "capture.json").write_text('{"packets": 30, "drops": 0, "refusal": ""}\n')
    (folder / "impair.jsonl").write_text(
        '{"what": "packet", "at_s": 1000000000.1, "direction": "source -> sink", "kind": "rtp", "number": 3, '
        '"ssrc": 7, "seq": 2, "lost": "asked", "delay_ms": 0, "copies": 1}\n'
        '{"what": "stall", "start_s": 1000000000.2, "length_s": 0.03}\n'
        '{"what": "total", "direction": "source -> sink", "kind": "rtp", "packets": 30, "others": 1, "drops": 0}\n'
    )
    (folder / "run.log").write_text(
        "2001-09-09T03:46:40.000+02:00 [ORCH] ✓ started sink pid=7\n"
        "2001-09-09T03:46:41.000+02:00 [SINK] ! \x1b[31mred\n"
    )
    (folder / "versions.json").write_text('{"b2b": "0.1.0"}\n')


def folders() -> tuple[bytes, ...]:
    """Return each of the folder's files."""
    return tuple(bytes([at]) + (good() / "good" / name).read_bytes() for at, name in enumerate(FILES))


def texts() -> tuple[bytes, ...]:
    """Return those that are short and quick to read."""
    return folders()[:JSON_FILES]


@contextlib.contextmanager
def _damaged(data: bytes, files: int):
    folder = good() / "run"
    name = FILES[data[0] % files] if data else FILES[0]
    (folder / name).write_bytes(data[1:])
    try:
        yield folder
    finally:
        for at in range(len(FILES)):  # `judge` writes into it as well
            if FILES[at] == name or FILES[at] == "figures.json":
                shutil.copyfile(good() / "good" / FILES[at], folder / FILES[at])


def comparing(data: bytes) -> None:
    """Read a damaged run as `b2b compare` and `b2b history` do."""
    with _damaged(data, JSON_FILES) as folder:
        runs = list(runs_in([good()]))
        said(lambda: print("\n".join(text.of_histories(histories(runs)))))
        with contextlib.suppress(B2bError):
            found = difference(run_of(good() / "good"), run_of(folder))
            said(lambda: print("\n".join(text.of_difference(found))))
        hooks.verdict(folder)


def watching(data: bytes) -> None:
    """Watch a damaged run, as one that is over is shown."""
    with _damaged(data, JSON_FILES) as folder, contextlib.suppress(B2bError):
        said(lambda: show(Watched(folder), color="never", lines=10))


def judging(data: bytes) -> None:
    """Judge a damaged run and make its page."""
    with _damaged(data, len(FILES)) as folder:
        page = good() / "report.html"
        page.unlink(missing_ok=True)
        try:
            words = said(lambda: judge_command.callback(folder, None, None, False, page))
        except B2bError:
            return
        assert "unexpected" not in words, words
        assert page.exists(), words
        harmless(page.read_text())
        with contextlib.suppress(B2bError):
            said(lambda: compare_command.callback((good() / "good", folder), page))
        harmless(page.read_text())
