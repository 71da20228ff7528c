"""The fixtures: calls made from plans, and what a project overrides to change all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from harness.call import Call
from harness.plugin import options
from harness.plugin.making import Maker

Topology = Callable[..., AbstractContextManager[Call]]


@pytest.fixture
def b2b_network(pytestconfig: pytest.Config) -> str:
    """Network of the calls: auto, private or host, as --b2b-network says. Override it to choose per folder or class."""
    return pytestconfig.stash[options.KEY].network


@pytest.fixture
def b2b_changes() -> Mapping[str, Mapping[str, Any]]:
    """Changes to every plan, none unless overridden: return {"source": {"sip_target": "sip:echo@192.0.2.7"}}, say."""
    return {}


@pytest.fixture
def topology(
    request: pytest.FixtureRequest, b2b_network: str, b2b_changes: Mapping[str, Mapping[str, Any]]
) -> Topology:
    """Factory of calls, for tests that change the plan or make several.

    Use it as `with topology("plans/smk.plan.toml", duration_s=10, mixer={"mix_gain_in": 0.25}) as call:`. The call is
    over when the block begins, and `call` is all that is known of it. Keyword arguments are the plan's nodes and tables
    with the keys to change.
    """
    maker = Maker(request.node, b2b_network, b2b_changes)

    @contextlib.contextmanager
    def make(plan: str | Path, *, duration_s: float | None = None, **changes: Mapping[str, Any]) -> Iterator[Call]:
        yield maker.make(plan, duration_s, changes)

    return make


@pytest.fixture
def call(request: pytest.FixtureRequest, topology: Topology) -> Iterator[Call]:
    """The finished call of the plan that the test is marked with: `@pytest.mark.plan("plans/smk.plan.toml")`."""
    marker = request.node.get_closest_marker("plan")
    if marker is None or len(marker.args) != 1:
        pytest.fail('the fixture call wants a mark on the test: @pytest.mark.plan("FILE.plan.toml", …)', pytrace=False)
    with topology(*marker.args, **marker.kwargs) as made:
        yield made
