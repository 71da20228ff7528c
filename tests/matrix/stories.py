"""What happens to whom and when, and what is to become of the run: data alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KILLED, STOPPED, STARVED = "killed", "stopped for 1 s", "starved for 1 s"
STARTING, UNREADY, RINGING, IN_CALL, ENDING, JUDGING = (
    "starting", "before READY", "ringing", "in call", "ending", "judging",
)  # fmt: skip
PHASES = (STARTING, UNREADY, RINGING, IN_CALL, ENDING)
BEGIN = "from the start"

ROLES = ("source", "mixer", "sink")
AGENTS = tuple(f"{role}'s baresip" for role in ROLES)
ORCHESTRATOR, CANARY, RUN_QUEUE, IMPAIRER, WORKER = (
    "orchestrator", "canary", "run queue", "impairer", "pytest worker",
)  # fmt: skip
HELPERS = (CANARY, RUN_QUEUE)

FINE, JUDGED, FAILED = frozenset({"pass"}), frozenset({"pass", "fail", "unknown"}), frozenset({"fail"})
OF_US = frozenset({"pass", "unknown"})  # what this machine did is nobody else's fault
HARMED = frozenset({"fail", "unknown"})
NONE = frozenset({None})
SIGKILLED = -9
DRAINED = "snd_pcm_file_drain: Assertion"  # libasound dies of a write that was interrupted, which a longer one can be


@dataclass(frozen=True, slots=True)
class Story:
    """One call in which something happens to somebody.

    `codes` and `verdicts` are what the run may end with; a verdict of None is that there is none. `prefix` is what the
    command is run by, with RUN for the run folder, `tables` are added to the plan, `blamed` is who must be told to have
    failed first. A baresip may also die of what is done to it, with `last_words`, which is 65 as any such death is.
    """

    victim: str
    fault: str
    phase: str
    codes: frozenset[int]
    verdicts: frozenset[str | None]
    prefix: tuple[str, ...] = ()
    tables: str = ""
    blamed: str = ""
    last_words: str = ""

    @property
    def name(self) -> str:
        """What it goes by."""
        return f"{self.victim}, {self.fault}, {self.phase}"


def stories() -> list[Story]:
    """Return all of them."""
    return [*_roles(), *_agents(), *_orchestrator(), *_helpers(), *_worker(), *_surroundings()]


def _roles() -> Iterator[Story]:
    for role in ROLES:
        for phase in PHASES:
            late = phase == ENDING
            killed = frozenset({70, 0, 1}) if late else frozenset({70})
            blamed = "" if late else role
            yield Story(role, KILLED, phase, killed, JUDGED if late else FAILED, blamed=blamed)
            harm = HARMED if phase == IN_CALL else JUDGED
            yield Story(role, STOPPED, phase, frozenset({0, 1}), harm)
            yield Story(role, STARVED, phase, frozenset({0, 1}), OF_US)


def _agents() -> Iterator[Story]:
    for agent in AGENTS:
        for phase in PHASES[1:]:
            late = phase == ENDING
            killed = frozenset({65, 0, 1}) if late else frozenset({65})
            blamed = "" if late else agent.partition("'")[0]
            yield Story(agent, KILLED, phase, killed, JUDGED if late else FAILED, blamed=blamed)
            harm = HARMED if phase == IN_CALL else JUDGED
            yield Story(agent, STOPPED, phase, frozenset({0, 1}), harm, last_words=DRAINED if late else "")
            yield Story(agent, STARVED, phase, frozenset({0, 1}), OF_US)


def _orchestrator() -> Iterator[Story]:
    """The capture is a thread of it."""
    for phase in (*PHASES, JUDGING):
        cut_off = frozenset({None, *JUDGED}) if phase in (ENDING, JUDGING) else NONE
        yield Story(ORCHESTRATOR, KILLED, phase, frozenset({SIGKILLED}), cut_off)
        yield Story(ORCHESTRATOR, STOPPED, phase, frozenset({0, 1}), OF_US)
        yield Story(ORCHESTRATOR, STARVED, phase, frozenset({0, 1}), OF_US)


def _helpers() -> Iterator[Story]:
    for helper in HELPERS:
        for phase in PHASES:
            for fault in (KILLED, STOPPED, STARVED):
                yield Story(helper, fault, phase, frozenset({0, 1}), OF_US)
    impaired = '[impair]\n"source -> mixer" = { delay_ms = 20 }\n'
    for phase in PHASES:
        late = phase == ENDING
        gone, told = (frozenset({0, 1, 70}), OF_US) if late else (frozenset({70}), frozenset({"unknown"}))
        yield Story(IMPAIRER, KILLED, phase, gone, told, tables=impaired)
        yield Story(IMPAIRER, STOPPED, phase, frozenset({0, 1}), OF_US, tables=impaired)
        yield Story(IMPAIRER, STARVED, phase, frozenset({0, 1}), OF_US, tables=impaired)


def _worker() -> Iterator[Story]:
    for phase in PHASES:
        yield Story(WORKER, KILLED, phase, frozenset({1}), frozenset({None, *JUDGED}))


def _surroundings() -> Iterator[Story]:
    def around(victim: str, fault: str, codes: set[int], verdicts: frozenset[str | None], *prefix: str) -> Story:
        return Story(victim, fault, BEGIN, frozenset(codes), verdicts, prefix=prefix)

    anything = frozenset({None, *HARMED})
    for size in ("4k", "16k", "64k", "160k"):
        yield around("run folder", f"disk full after {size}", {1, 64, 66, 70}, anything, *_tiny(size))
    enough = JUDGED | NONE  # for the call and its verdict, perhaps; not for its page
    yield around("run folder", "disk full after 400k", {0, 1, 66, 70}, enough, *_tiny("400k"))
    for most in (5, 8, 12, 16, 20, 24):
        limited = ("prlimit", f"--nofile={most}")
        codes = {64, 65, 66, 67, 70} | ({1} if most > 16 else set())  # then it may suffice for all but who watches
        yield around("all", f"at most {most} descriptors", codes, anything, *limited)
    for lines in (1, 20):
        read = f'"$@" | head -{lines}; exit ${{PIPESTATUS[0]}}'
        yield around("reader of the log", f"gone after {lines} lines", {0, 1}, OF_US, "bash", "-c", read, "-")
    yield around("standard output", "closed", {0, 1}, OF_US, "bash", "-c", 'exec "$@" >&-', "-")
    yield around("both outputs", "full", {0, 1}, OF_US, "bash", "-c", 'exec "$@" >/dev/full 2>&1', "-")
    hanging = 'aplay_cmd = "sleep 1000"\n'
    yield Story("player", "hangs", BEGIN, frozenset({0, 1}), OF_US, tables=hanging)
    dying = 'aplay_cmd = "sh -c \'head -c 20000 >/dev/null; exit 3\'"\n'
    yield Story("player", "ends", IN_CALL, frozenset({66}), FAILED, tables=dying, blamed="sink")


def _tiny(size: str) -> tuple[str, ...]:
    """Return what runs a command with its run folder on a file system that small, and keeps what is in it."""
    script = f'mount -t tmpfs -o size={size} tiny "$0" && "$@"; code=$?; cp -r "$0" "$0.kept"; exit $code'
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "RUN")
