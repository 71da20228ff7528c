"""Placeholders: what is one, what is left alone, and what is said of one that there is not."""

from __future__ import annotations

import pytest

from b2b.errors import UsageError
from b2b.plan import template

VALUES = {"ip": "127.0.0.1", "sink.port": "5062"}


@pytest.mark.parametrize(("text", "filled"), [
    ("listen={ip}", "listen=127.0.0.1"),
    ("to {sink.port}{ip}", "to 5062127.0.0.1"),
    ("route { t_relay(); }", "route { t_relay(); }"),
    ("exten => s,1,Dial(${EXTEN})", "exten => s,1,Dial(${EXTEN})"),
    ("${ip}", "${ip}"),
    ("$(ru{{uri.user}})", "$(ru{uri.user})"),
    ("{{ip}}", "{ip}"),
    ("{}", "{}"),
    ('{"json": 1}', '{"json": 1}'),
    ("{ ip }", "{ ip }"),
])  # fmt: skip
def test_what_is_filled_in(text, filled):
    """Only words in braces are placeholders; doubled braces are the word itself, and ${…} belongs to shells."""
    template.check(text, VALUES)
    assert template.fill(text, VALUES) == filled


@pytest.mark.parametrize(("text", "says"), [
    ("{sink.prt}", r"^unknown placeholder \{sink.prt\}; did you mean sink.port\?"),
    ("a\nb {sink.prot}\n", r"^line 2: unknown placeholder \{sink.prot\}; did you mean sink.port\?"),
    ("{elsewhere}", r"there is ip, sink.port \(\{\{elsewhere\}\} is the text itself\)"),
])  # fmt: skip
def test_what_is_refused(text, says):
    """With its line where there are several."""
    with pytest.raises(UsageError, match=says):
        template.check(text, VALUES)
