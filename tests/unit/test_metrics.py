"""The sums behind the metrics."""

from __future__ import annotations

import random

import pytest

from b2b.baresip.config import Account
from b2b.baresip.soundcard import Card
from b2b.logs import Log
from b2b.roles.metrics import LegCount, Metrics, percentile


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([], 0.5, None),
        ([7.0], 0.0, 7.0),
        ([7.0], 0.5, 7.0),
        ([7.0], 1.0, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([5.0] * 10, 0.95, 5.0),
        ([0.0] * 99 + [100.0], 0.5, 0.0),
        ([0.0] * 99 + [100.0], 0.95, 0.0),
        ([0.0] * 90 + [100.0] * 10, 0.95, 100.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, wanted: float | None) -> None:
    """In whatever order they came; 0 where there are none."""
    assert percentile(values, share) == wanted


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 100, 1000])
def test_a_percentile_divides_the_values_by_that_share(count: int, share: float) -> None:
    """At least that share of them is not above it, and at least the rest not below."""
    chance = random.Random(count)
    values = [chance.random() for _ in range(count)]
    found = percentile(values, share)
    assert found is not None
    assert sum(value <= found for value in values) >= share * count - 1e-9
    assert sum(value >= found for value in values) >= (1 - share) * count - 1e-9


def test_a_percentile_leaves_its_values_as_they_were() -> None:
    """They are reported again."""
    values = [3.0, 1.0, 2.0]
    percentile(values, 0.5)
    assert values == [3.0, 1.0, 2.0]


def test_a_counter_never_goes_down() -> None:
    """Although baresip starts its own anew, as after a re-INVITE."""
    account = Account(user="x", card=Card("x", ptime_ms=20), answers=True, codec="pcmu", ptime_ms=20)
    leg = LegCount(account)
    seen = []
    for reading in (0, 5, 3, 0, 6):
        leg.raise_to("packets_rx", reading)
        seen.append(leg.counters["packets_rx"])
    assert seen == [0, 5, 5, 5, 6]
    assert set(leg.counters) >= {"packets_tx", "packets_rx", "rtp_loss"}


class Agent:
    """Counts how often it is asked."""

    pid = 0
    asked = 0

    def sample(self, _account: Account) -> None:
        """Be asked."""
        self.asked += 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[Agent, Metrics, list[float]]:
    """Metrics of a role with one leg, whose log goes nowhere; the time is what the list ends with."""
    now = [100.0]
    monkeypatch.setattr("b2b.clock.now", lambda: now[-1])
    monkeypatch.setattr(Metrics, "_report", lambda *_self, **_more: None)
    agent = Agent()
    leg = Account(user="x", card=Card("x", ptime_ms=20), answers=True, codec="pcmu", ptime_ms=20)
    metrics = Metrics(Log("sink", as_json=True), agent, hears=leg, speaks=leg, meters={}, extra=dict)  # type: ignore[arg-type]
    return agent, metrics, now


def test_baresip_is_asked_once_a_second(counted: tuple[Agent, Metrics, list[float]]) -> None:
    """However often there is a tick; and at once when the call begins."""
    agent, metrics, now = counted
    for quarter in range(20):
        now.append(100 + quarter / 4)
        metrics.tick()
    assert agent.asked == 5


def test_who_waits_for_a_counter_has_it_asked_for_at_each_tick(counted: tuple[Agent, Metrics, list[float]]) -> None:
    agent, metrics, now = counted
    metrics.tick()
    metrics.look_often()
    for quarter in range(4):
        now.append(100.1 + quarter / 4)
        metrics.tick()
    assert agent.asked == 5
    metrics.look()
    assert agent.asked == 6
