"""On which line of a plan a key stands."""

from __future__ import annotations

import pytest

from b2b.plan.where import Where, lines_of_keys

TEXT = """\
# a plan
topology.sink.sip_bind = "x"
[topology]
source . "audio_file" = "y"
mixer = { sip_target = "z" }

  [ topology.'ear' ]  # not a sink
role = "sink"
[[topology.list]]
"""


@pytest.mark.parametrize(("keys", "line"), [
    ("topology", 2),
    ("topology.sink.sip_bind", 2),
    ("topology.source", 4),
    ("topology.source.audio_file", 4),
    ("topology.mixer", 5),
    ("topology.ear", 7),
    ("topology.ear.role", 8),
    ("topology.list", 9),
])
def test_every_way_to_write_a_key_is_found(keys, line):
    """Dotted, quoted, spaced and in a table's header."""
    assert lines_of_keys(TEXT)[tuple(keys.split("."))] == line


@pytest.mark.parametrize(("keys", "place"), [
    (("topology", "ear", "role"), "x.toml:8: topology.ear.role"),
    (("topology", "ear", "sip_bind"), "x.toml:7: topology.ear.sip_bind"),
    (("topology", "mixer", "sip_target"), "x.toml:5: topology.mixer.sip_target"),
    (("expect",), "x.toml: expect"),
])
def test_an_error_points_to_the_nearest_line(keys, place):
    """A key that is missing, or inside an inline table, is told with the line of what is around it."""
    assert str(Where("x.toml", lines_of_keys(TEXT)).error(*keys, says="no")) == f"{place}: no"
