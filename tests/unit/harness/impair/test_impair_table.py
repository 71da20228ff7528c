"""The plan's table [impair]: what it says, and what is wrong with it in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2b.errors import UsageError
from b2b.plan.change import changes_of, format_change, parse_change
from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve
from harness.impair.lose import Some
from harness.impair.run import dry_run
from harness.impair.table import Burst, Impairment, Impairments, impairments

TOPOLOGY = """[topology]
source.sip_target = "sip:mixer"
source.audio_file = "a.wav"
mixer.sip_target = "sip:sink"
sink = {}
"""


@pytest.fixture
def plan_of(tmp_path: Path):
    """Return a function that loads a plan that ends with some lines."""
    (tmp_path / "a.wav").touch()

    def load(lines: str, changes=()):
        (tmp_path / "x.plan.toml").write_text(TOPOLOGY + lines)
        plan = load_plan(tmp_path / "x.plan.toml", known_tables={"impair"}, changes=changes)
        return resolve(plan, host_ip="127.0.0.1")

    return load


@pytest.fixture
def impaired(plan_of):
    """Return a function that reads the impairments of such a plan."""
    return lambda lines: impairments(plan_of(lines))


def test_a_plan_without(impaired):
    """Nothing is impaired."""
    assert impaired("") is None


def test_an_empty_table(impaired):
    """Nothing is, but it can be told that it was asked for."""
    assert impaired("[impair]\n") == Impairments(seed=1, directions=())


def test_everything_that_can_be_said(impaired):
    """Of a direction's media and of its SIP; whatever is left out is not done."""
    found = impaired("""
[impair]
seed = 7
"source -> mixer" = { loss = 2.0, delay_ms = 40, jitter_ms = 10, burst = { loss = 3, mean = 4 } }
[impair."sink->mixer"]
lose = [100, 101, "200-219", "300-"]
reorder = 1.0
duplicate = 0.5
corrupt = 0.1
rate_kbps = 64
queue_ms = 100
cut_after_s = 5
sip = { lose = ["INVITE", "200 BYE", "INVITE 2-3", "180", 4, "5-6"], delay_ms = 1 }
""")
    first, second = found.directions
    assert found.seed == 7
    assert (first.name, second.name) == ("source -> mixer", "sink -> mixer")
    assert first.media == Impairment(loss=2, delay_ms=40, jitter_ms=10, burst=Burst(loss=3, mean=4))
    assert first.sip == Impairment()
    assert second.media == Impairment(
        lose=(Some(100, 100), Some(101, 101), Some(200, 219), Some(300, 10**9)),
        reorder=1, duplicate=0.5, corrupt=0.1, rate_kbps=64, queue_ms=100, cut_after_s=5,
    )  # fmt: skip
    assert second.sip == Impairment(delay_ms=1, lose=(
        Some(1, 1, "INVITE"), Some(1, 1, "200", "BYE"), Some(2, 3, "INVITE"), Some(1, 1, "180"), Some(4, 4), Some(5, 6),
    ))  # fmt: skip


def test_the_example_of_the_documentation(plan_of):
    """It can be copied."""
    page = (Path(__file__).parents[4] / "docs" / "impair.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    assert len(list(dry_run(plan_of(example)))) == 3


def test_what_a_dry_run_shows(plan_of):
    """A line for each direction, in words."""
    lines = """
[impair]
seed = 3
"source -> mixer" = { loss = 2.5, delay_ms = 40, jitter_ms = 10, sip = { lose = ["200 BYE", "INVITE 2-"] } }
"mixer -> sink" = { burst = { loss = 3, mean = 4 }, lose = [1, "5-9"], rate_kbps = 64, cut_after_s = 5, reorder = 1 }
"sink -> mixer" = {}
"""
    assert list(dry_run(plan_of(lines))) == [
        "impair source -> mixer: 2.5 % lost; delayed by 40 to 50 ms (seed 3)",
        "impair source -> mixer SIP: 200 BYE, INVITE 2- lost (seed 3)",
        "impair mixer -> sink: 1 % reordered; 3 % lost in bursts of 4; 1, 5-9 lost; at most 64 kbit/s; cut after 5 s "
        "(seed 3)",
    ]


def test_changes_for_one_run(plan_of):
    """`--set`, and a test's own mapping, reach into the table, whose keys have blanks and arrows."""
    changes = [parse_change("impair.source -> mixer.loss=3")]
    asked = {"impair": {"seed": 9, "mixer -> sink": {"lose": [1, "3-4"], "sip": {"lose": ["BYE"]}}}}
    changes += [parse_change(format_change(keys, value)) for keys, value in changes_of(asked)]
    found = impairments(plan_of('[impair]\n"source -> mixer" = { loss = 2 }\n', changes))
    assert found.seed == 9
    assert [direction.name for direction in found.directions] == ["source -> mixer", "mixer -> sink"]
    assert found.directions[0].media == Impairment(loss=3)
    assert found.directions[1].media.lose == (Some(1, 1), Some(3, 4))
    assert found.directions[1].sip.lose == (Some(1, 1, "BYE"),)


BAD = {
    "[[impair]]": "impair: wanted a table, came an array",
    '[impair]\n"sorce -> mixer" = {}': "x.plan.toml:7: impair.sorce -> mixer: wanted a direction of a call, "
    "came none of that name; did you mean source -> mixer?",
    '[impair]\n"source -> sink" = {}': "did you mean",
    "[impair]\nabc = 1": "there is source -> mixer, mixer -> source, mixer -> sink, sink -> mixer",
    "[impair]\nsed = 1": "did you mean seed?",
    "[impair]\nseed = -1": "impair.seed: wanted a whole number of at least 0, came the integer -1",
    "[impair]\nseed = 1.5": "came the number 1.5",
    "[impair]\nseed = true": "came the boolean true",
    '[impair]\n"source -> mixer" = 3': "wanted a table such as { loss = 2.0, delay_ms = 40 }, came the integer 3",
    '[impair]\n"source -> mixer" = {}\n"source->mixer" = {}': "this direction is there twice",
    '[impair]\n"source -> mixer" = { los = 3 }': "impair.source -> mixer.los: unknown key; did you mean loss?",
    '[impair]\n"source -> mixer" = { delay = 3 }': "unknown key; did you mean delay_ms?",
    '[impair]\n"source -> mixer" = { zzz = 3 }': "there is burst, corrupt, cut_after_s, delay_ms, duplicate, jitter_ms",
    '[impair]\n"source -> mixer" = { loss = 101 }': "loss: wanted a number from 0 to 100 %, came the integer 101",
    '[impair]\n"source -> mixer" = { loss = nan }': "came the number nan",
    '[impair]\n"source -> mixer" = { loss = "2" }': "came the string '2'",
    '[impair]\n"source -> mixer" = { loss = true }': "came the boolean true",
    '[impair]\n"source -> mixer" = { delay_ms = -1 }': "wanted a number from 0 to 10000, came the integer -1",
    '[impair]\n"source -> mixer" = { reorder = 60 }': "wanted a number from 0 to 50 %",
    '[impair]\n"source -> mixer" = { rate_kbps = 0 }': "wanted a number from 1 to 1e+06",
    '[impair]\n"source -> mixer" = { burst = 3 }': "wanted a table of two, such as { loss = 3.0, mean = 4 }, came the",
    '[impair]\n"source -> mixer" = { burst = { loss = 3 } }': "wanted a table of two, such as",
    '[impair]\n"source -> mixer" = { burst = { loss = 3, mean = 0.5 } }': "burst.mean: wanted a number from 1 to 1000",
    '[impair]\n"source -> mixer" = { burst = { loss = 90, mean = 2 } }': "make them longer",
    '[impair]\n"source -> mixer" = { lose = 3 }': "lose: wanted a list of numbers of packets from 1 on",
    '[impair]\n"source -> mixer" = { lose = [0] }': "came the integer 0",
    '[impair]\n"source -> mixer" = { lose = ["9-3"] }': "came the string '9-3'",
    '[impair]\n"source -> mixer" = { lose = ["INVITE"] }': "wanted numbers of packets from 1 on",
    '[impair]\n"source -> mixer" = { lose = [[1]] }': "came an array",
    '[impair]\n"source -> mixer" = { lose = [true] }': "came the boolean true",
    '[impair]\n"source -> mixer" = { sip = 3 }': 'sip: wanted a table such as { lose = ["INVITE"] }',
    '[impair]\n"source -> mixer" = { sip = { sip = {} } }': "sip.sip: unknown key",
    '[impair]\n"source -> mixer" = { sip = { lose = ["INVTE"] } }': "came INVTE; did you mean INVITE?",
    '[impair]\n"source -> mixer" = { sip = { lose = ["200 BYTE"] } }': "did you mean BYE?",
    '[impair]\n"source -> mixer" = { sip = { lose = ["BYE INVITE"] } }': "came the string 'BYE INVITE'",
    '[impair]\n"source -> mixer" = { sip = { lose = ["invite"] } }': "came the string 'invite'",
    '[impair]\n"source -> mixer" = { sip = { lose = ["INVITE 0"] } }': "came the string 'INVITE 0'",
}


@pytest.mark.parametrize(("lines", "says"), BAD.items(), ids=[f"{n}" for n in range(len(BAD))])
def test_a_bad_table_is_one_sentence(impaired, lines, says):
    """With the place, what was wanted and what came."""
    with pytest.raises(UsageError) as refused:
        impaired(lines)
    assert says in str(refused.value)
    assert str(refused.value).count("\n") == 0


def test_a_plan_in_which_nobody_calls(tmp_path):
    """There is no direction to name."""
    (tmp_path / "x.plan.toml").write_text('[topology.sink]\n[impair]\n"a -> b" = {}\n')
    plan = resolve(load_plan(tmp_path / "x.plan.toml", known_tables={"impair"}), host_ip="127.0.0.1")
    with pytest.raises(UsageError, match="no node of this plan calls another"):
        impairments(plan)


def test_directions_to_and_from_a_device(plan_of):
    """Both sides of it can be impaired: that of who calls it, and that of whom it calls."""
    device = 'command = ["x"]\naddress = "127.0.0.1:5060"\ncalls = "ear"\n[topology.ear]\nrole = "sink"\n'
    text = f'[topology.pbx]\nrole = "external"\n{device}[impair]\n"pbx -> ear".loss = 1\n"ear -> pbx".loss = 2\n'
    found = impairments(plan_of(text))
    assert found is not None
    assert [(one.src, one.dst) for one in found.directions] == [("pbx", "ear"), ("ear", "pbx")]
