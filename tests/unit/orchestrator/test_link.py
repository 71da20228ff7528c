"""The connection to another machine, with something else in ssh's place: what is silent, talks nonsense, or hangs."""

from __future__ import annotations

import os
import shlex
import sys
import threading

import pytest

from b2b import __version__
from b2b.errors import SipError
from b2b.orchestrator import link
from b2b.orchestrator.link import Link

PATIENCE_S = 30
HELLO = f"""import sys, time, json
def tell(**values): print(json.dumps(values), flush=True)
tell(**{{"is": "hello", "version": "{__version__}", "folder": "/there", "host": "lab\\x1b[31m"}})
"""


@pytest.fixture
def reached(tmp_path):
    """Connect to a script; return the link, what it took, and why it was lost, once it is."""
    opened = []

    def connect(script: str):
        taken, lost, over = [], [], threading.Event()
        path = tmp_path / "ssh.py"
        path.write_text(script)
        made = Link("lab1", taken.append, lambda why: (lost.append(why), over.set()))
        made.connect(f"{sys.executable} {shlex.quote(str(path))}", "b2b")
        opened.append(made)
        return made, taken, lost, over

    yield connect
    for each in opened:
        each.close()


def test_one_that_falls_silent_is_given_up(reached, monkeypatch):
    """As when a cable is pulled: nothing ends, and nothing comes any more."""
    monkeypatch.setattr(link, "SILENT_S", 0.3)
    monkeypatch.setattr(link, "PING_S", 0.05)
    made, _taken, lost, over = reached(HELLO + "time.sleep(1000)")
    made.greet()
    assert over.wait(PATIENCE_S)
    assert lost == ["nothing was heard of it for 0.3 s"]
    assert made._process.poll() is not None


def test_one_that_never_greets_is_no_way(reached, monkeypatch):
    monkeypatch.setattr(link, "GREETING_S", 0.3)
    made, *_ = reached("import time; time.sleep(1000)")
    with pytest.raises(SipError, match=r"lab1: ssh does not get there within 0\.3 s; to see for yourself: .* lab1 "):
        made.greet()


def test_nonsense_in_the_midst_of_it_ends_it(reached):
    made, taken, lost, over = reached(HELLO + "tell(**{'is': 'x'}); print('core dumped', flush=True); time.sleep(1000)")
    made.greet()
    assert over.wait(PATIENCE_S)
    assert taken == [{"is": "x"}]
    assert lost == ["it sent what it should not: wanted a message, came b'core dumped\\n'"]


def test_its_last_words_are_told(reached):
    """Without what a terminal would obey."""
    made, _taken, lost, over = reached(HELLO + "print('\\x1b[31mconnection reset', file=sys.stderr); sys.exit(3)")
    made.greet()
    assert over.wait(PATIENCE_S)
    assert lost == ["the connection was lost: �[31mconnection reset"]
    assert made.calls_itself == "lab�[31m"


def test_a_time_that_was_not_asked_for_is_nobodys(reached):
    """Nor is what is no time."""
    wrong = "tell(**{'is': 'pong', 'n': 999, 'wall_s': 5.0}); tell(**{'is': 'pong', 'n': 0, 'wall_s': 'x'}); "
    made, _taken, _lost, over = reached(HELLO + wrong + "sys.stdin.readline(); sys.exit()")
    made.greet()
    assert over.wait(PATIENCE_S)
    assert made.clocks.offset is None


def test_one_that_does_not_read_is_not_waited_for(reached):
    """Though there is more to be sent to it than a pipe holds."""
    made, *_ = reached(HELLO + "time.sleep(1000)")
    made.greet()
    for _ in range(100):
        made.send(b"x" * 10_000 + b"\n")
    closing = threading.Thread(target=made.close)
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()


def test_nothing_is_left_of_one_that_ignores_everything(reached, tmp_path):
    ignoring = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"
    made, *_ = reached(HELLO + ignoring)
    made.greet()
    pid = made._process.pid
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
