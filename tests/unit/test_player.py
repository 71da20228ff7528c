"""Players: they get every frame, never hold up the call, and their death is told."""

from __future__ import annotations

import itertools
import os
import queue
import random
import select
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eventually import children, eventually, gone

from b2b.audio import player
from b2b.audio.player import BUFFERED_FRAMES, Player
from b2b.errors import AudioError

FRAME_BYTES = 320

Deaths = queue.SimpleQueue[AudioError]


@pytest.fixture
def deaths() -> Deaths:
    """Return where the players' deaths are told."""
    return queue.SimpleQueue()


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a stuck player less time to play out."""
    monkeypatch.setattr(player, "PLAY_OUT_S", 0.1)


def frames(count: int) -> list[bytes]:
    """Return different frames."""
    chance = random.Random(2)
    return [chance.randbytes(FRAME_BYTES) for _ in range(count)]


def the_pid(path: Path) -> int:
    """Return the process number that a player has written into a file."""
    return int(eventually(lambda: path.exists() and path.read_text().strip(), "a process number"))


@pytest.mark.parametrize("own_group", [True, False])
def test_a_player_gets_every_frame(tmp_path: Path, deaths: Deaths, own_group: bool) -> None:
    """In order and whole, also those that are played just before the end."""
    path = tmp_path / "heard"
    wanted = frames(BUFFERED_FRAMES)
    with Player(f"sh -c 'cat > {path}'", own_group=own_group, on_death=deaths.put) as speaker:
        for frame in wanted:
            speaker.play(frame)
    assert path.read_bytes() == b"".join(wanted)
    assert speaker.drops == 0
    assert deaths.empty()


def test_a_player_that_keeps_up_loses_nothing_however_long_the_call(tmp_path: Path, deaths: Deaths) -> None:
    """More than pipe and buffer hold together."""
    path = tmp_path / "heard"
    wanted = frames(1000)
    with Player(f"sh -c 'cat > {path}'", own_group=True, on_death=deaths.put) as speaker:
        for count, frame in enumerate(wanted, 1):
            speaker.play(frame)
            if count % BUFFERED_FRAMES == 0:
                size = count * FRAME_BYTES
                eventually(lambda size=size: path.exists() and path.stat().st_size == size, "it to catch up")  # type: ignore[misc]
    assert path.read_bytes() == b"".join(wanted)
    assert speaker.drops == 0


def clog(speaker: Player, sound: Iterator[bytes]) -> list[bytes]:
    """Play frames until neither pipe nor buffer take any more; return them."""
    played: list[bytes] = []

    def full() -> bool:
        drops = speaker.drops
        for frame in itertools.islice(sound, 20):
            speaker.play(frame)
            played.append(frame)
        return speaker.drops == drops + 20 and not select.select([], [speaker._pipe], [], 0)[1]

    eventually(full, "a full pipe")
    return played


def test_a_stuck_player_never_blocks_and_its_drops_are_counted(deaths: Deaths) -> None:
    """While it takes none, frame after frame is off our hands; a second of them waits, and the rest are drops."""
    with Player("sleep 60", own_group=True, on_death=deaths.put) as speaker:
        [pid] = children("sleep")
        clog(speaker, iter(frames(2000)))
        drops = speaker.drops
        for frame in frames(300):
            speaker.play(frame)
        assert not gone(pid)
        assert speaker.drops == drops + 300
        assert len(speaker._frames) == BUFFERED_FRAMES == 50
    assert gone(pid)
    assert deaths.empty()


def test_a_slow_player_hears_the_newest_frames(tmp_path: Path, deaths: Deaths) -> None:
    """What is dropped is the oldest, so that it is never more than a second behind; no frame is torn."""
    path, go_on = tmp_path / "heard", tmp_path / "go"
    os.mkfifo(go_on)
    command = f"sh -c 'read line < {go_on}; cat > {path}'"
    with Player(command, own_group=True, on_death=deaths.put) as speaker:
        played = clog(speaker, iter(frames(2000)))
        for frame in reversed(played):
            speaker.play(frame)
        played += reversed(played)
        go_on.write_text("\n")
        size = (len(played) - speaker.drops) * FRAME_BYTES
        eventually(lambda: path.exists() and path.stat().st_size == size, "the player to catch up")
    heard = path.read_bytes()
    kept = [heard[at : at + FRAME_BYTES] for at in range(0, len(heard), FRAME_BYTES)]
    assert kept[-BUFFERED_FRAMES:] == played[-BUFFERED_FRAMES:]
    assert set(kept) <= set(played)
    assert speaker.drops >= len(played) // 2 - BUFFERED_FRAMES


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("echo first >&2; echo no such device >&2; exit 3", "(exit code 3): no such device"),
        ("exit 1", "(exit code 1): it said nothing"),
        ("exit 0", "(exit code 0): it said nothing"),
        ("kill -KILL $$", "(killed by SIGKILL): it said nothing"),
    ],
)
def test_a_dying_player_is_told_with_its_last_words(deaths: Deaths, script: str, how: str) -> None:
    """Once, with the command, and playing on is harmless."""
    command = f"sh -c {shlex.quote(script)}"
    with Player(command, own_group=True, on_death=deaths.put) as speaker:
        assert str(deaths.get(timeout=20)) == f"the player `{command}` died {how}"
        for frame in frames(300):
            speaker.play(frame)
    assert deaths.empty()


def test_a_talkative_players_last_words_are_its_last(deaths: Deaths) -> None:
    """Some show their progress all the time."""
    command = "sh -c 'yes progress | head -n 12000 >&2; echo no such device >&2; exit 3'"
    with Player(command, own_group=True, on_death=deaths.put):
        assert str(deaths.get(timeout=20)).endswith(": no such device")


def test_a_player_may_die_in_the_midst_of_a_frame(deaths: Deaths) -> None:
    """The pipe breaks under our hands, and that is not an error of its own."""
    with Player("head -c 5000", own_group=True, on_death=deaths.put) as speaker:
        for frame in frames(300):
            speaker.play(frame)
        assert "(exit code 0)" in str(deaths.get(timeout=20))


def test_a_player_that_was_killed_from_outside_is_told(deaths: Deaths) -> None:
    """Whoever did it."""
    with Player("sleep 60", own_group=True, on_death=deaths.put):
        [pid] = children("sleep")
        os.kill(pid, signal.SIGTERM)
        assert str(deaths.get(timeout=20)) == "the player `sleep 60` died (killed by SIGTERM): it said nothing"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("/no/such/player", "No such file or directory"),
        ("no-such-player -f S16_LE", "No such file or directory"),
        ("/etc", "Permission denied"),
        ("sh -c 'cat", "No closing quotation"),
        (" ", ""),
    ],
)
def test_a_command_that_cannot_be_started_is_an_error(deaths: Deaths, command: str, reason: str) -> None:
    """Before the call, with the command and the reason."""
    with (
        pytest.raises(AudioError) as caught,
        Player(command, own_group=True, on_death=deaths.put),
    ):
        pass
    assert str(caught.value).startswith(f"cannot start the player `{command}`: ")
    assert str(caught.value).endswith(reason)
    assert not str(caught.value).endswith(": ")


def ends_with_its_sound(path: Path) -> str:
    """Return a player like any other."""
    return f"sh -c 'echo $$ > {path}; exec cat > /dev/null'"


def never_ends(path: Path) -> str:
    """Return a player that takes nothing."""
    return f"sh -c 'echo $$ > {path}; exec sleep 60'"


def never_hears(path: Path) -> str:
    """Return a player that also ignores the polite signal."""
    return f"sh -c 'trap \"\" TERM; echo $$ > {path}; exec sleep 60'"


@pytest.mark.parametrize("kind", [ends_with_its_sound, never_ends, never_hears])
def test_leaving_ends_the_player(tmp_path: Path, deaths: Deaths, kind: Callable[[Path], str]) -> None:
    """By itself, by request or by force; and that is no death to be told of."""
    path = tmp_path / "pid"
    with Player(kind(path), own_group=True, on_death=deaths.put) as speaker:
        pid = the_pid(path)
        speaker.play(bytes(FRAME_BYTES))
        assert not gone(pid)
    assert gone(pid)
    assert deaths.empty()


def test_leaving_also_ends_what_the_player_has_started(tmp_path: Path, deaths: Deaths) -> None:
    """A command line may be a shell's, which does not pass our signals on."""
    path = tmp_path / "pid"
    with Player(f"sh -c 'sleep 60 & echo $! > {path}; wait'", own_group=True, on_death=deaths.put):
        pid = the_pid(path)
    try:
        assert eventually(lambda: gone(pid), "the end of what the player had started")
    finally:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("own_group", [True, False])
def test_a_player_has_a_process_group_of_its_own_where_asked(tmp_path: Path, deaths: Deaths, own_group: bool) -> None:
    """With one the terminal's Ctrl-C is for the role alone; without one the orchestrator sweeps both together."""
    path = tmp_path / "pid"
    with Player(ends_with_its_sound(path), own_group=own_group, on_death=deaths.put):
        pid = the_pid(path)
        assert os.getpgid(pid) == (pid if own_group else os.getpgid(0))
