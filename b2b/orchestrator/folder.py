"""The run folder: everything about a run, readable at any moment and by its user alone."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from b2b import clock
from b2b.errors import UsageError
from b2b.logs import to_json
from b2b.plan.model import Plan
from b2b.plan.write import to_toml

RUNS = Path("reports/runs")
EVENTS, HOSTS = "events.jsonl", "hosts.json"
BLOCK = 512  # bytes; the unit of st_blocks, inode(7)


def default_folder(plan: Plan) -> Path:
    """Return a new folder's name for a run of the plan that begins now."""
    return RUNS / f"{clock.stamp()}-{plan.path.name.removesuffix('.toml').removesuffix('.plan')}"


def is_going_on(folder: Path) -> bool:
    """Whether somebody is writing to a run folder: whoever does has it locked, however it ends."""
    try:
        with (folder / EVENTS).open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


class RunFolder:
    """Names and writes the files of one run."""

    def __init__(self, path: Path) -> None:
        self.trouble = ""  # why something could not be written
        try:
            self.path = path.absolute()
        except OSError as error:
            raise UsageError(f"--run-dir: this working directory is gone: {error.strerror}") from error

    def __enter__(self) -> RunFolder:
        """Make the folder. Raises UsageError where it cannot be made, or has something in it already."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise UsageError(f"--run-dir: wanted a new or empty folder, {self.path} has something in it")
            self.path.chmod(0o700)
            self.run_log = self._open("run.log")
            self._events = self._open(EVENTS)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(self._events, fcntl.LOCK_EX)
            self._metrics = self._open("metrics.jsonl")
        except OSError as error:
            raise UsageError(f"--run-dir: cannot write to {self.path}: {error.strerror}") from error
        return self

    def __exit__(self, *error: object) -> None:
        """Close what is open."""
        for file in (self.run_log, self._events, self._metrics):
            with contextlib.suppress(OSError):  # it has been told of, and the descriptor is closed all the same
                file.close()

    def node(self, name: str) -> Path:
        """Return the folder of one node: its log and baresip's configuration."""
        return self.path / name

    def recording(self, name: str) -> Path:
        """Return where a sink's recording lies."""
        return self.path / f"{name}.wav"

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan as it was resolved."""
        with self._writing():
            (self.path / "plan.toml").write_text(to_toml(plan), encoding="utf-8")

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Keep what became of the run; written once at the start too, for a run that is cut off."""
        path, new = self.path / "summary.json", self.path / "summary.json.new"
        content = (to_json(summary, indent=2) + "\n").encode()
        with self._writing():
            try:
                new.write_bytes(content)
                new.replace(path)
            except OSError:
                new.unlink(missing_ok=True)
                if not _in_place(path, content):
                    raise

    def write_hosts(self, hosts: dict[str, Any]) -> None:
        """Keep what is known of the other machines that roles were on, as `Machine.as_json` has it, by their names."""
        with self._writing():
            (self.path / HOSTS).write_text(to_json(hosts, indent=2) + "\n", encoding="utf-8")

    def event(self, node: str, event: str, **fields: Any) -> None:
        """Add to events.jsonl, with wall and monotonic time in seconds."""
        self._add(self._events, {"node": node, "event": event, **fields})

    def metrics(self, node: str, values: dict[str, Any]) -> None:
        """Add to metrics.jsonl."""
        self._add(self._metrics, {"node": node, **values})

    def _open(self, name: str) -> IO[str]:
        return (self.path / name).open("w", encoding="utf-8")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Remember what goes wrong in the block: a disk that is full is no reason to lose the call."""
        try:
            yield
        except OSError as error:
            self.trouble = self.trouble or f"cannot write to {self.path}: {error.strerror}"

    def _add(self, file: IO[str], values: dict[str, Any]) -> None:
        stamped = {"wall_s": round(clock.wall(), 6), "mono_s": round(clock.now(), 6), **values}
        with self._writing():
            file.write(to_json(stamped) + "\n")
            file.flush()


def _in_place(path: Path, content: bytes) -> bool:
    """Write over a file where its own blocks suffice, as on a disk that is full; return whether they did."""
    if len(content) > path.stat().st_blocks * BLOCK:
        return False
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
    return True
