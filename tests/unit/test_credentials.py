"""Where a role's password comes from, and that it is told to nobody."""

from __future__ import annotations

import os

import pytest

from b2b.addresses import Bind, parse_target
from b2b.baresip.config import Account, Credentials, accounts
from b2b.baresip.soundcard import Card
from b2b.errors import UsageError
from b2b.roles.credentials import credentials
from b2b.roles.legs import mixer_legs, reached
from b2b.roles.settings import Common


def settings(**more) -> Common:
    """Return a role's settings."""
    common = {"sip_bind": Bind("127.0.0.1", 0), "log_format": "text", "supervised": False, "work_dir": None}
    return Common(**common, kill_after_s=1.0, **more)


def test_from_the_environment(monkeypatch):
    """And out of it, so that nobody we start gets to see it."""
    monkeypatch.setenv("MINE", "sesame")
    assert credentials(settings(user="bob", password_env="MINE")) == Credentials(user="bob", password="sesame")
    assert "MINE" not in os.environ


def test_from_a_file(monkeypatch, tmp_path):
    """Which goes before the environment; the line's end is no part of it."""
    (tmp_path / "password").write_text("sesame\n")
    monkeypatch.setenv("B2B_PASSWORD", "other")
    found = credentials(settings(user="bob", password_file=tmp_path / "password"))
    assert found == Credentials(user="bob", password="sesame")
    assert "B2B_PASSWORD" not in os.environ


def test_no_password(monkeypatch):
    """Then there are no credentials, and a password without a user in the environment is nobody's."""
    assert credentials(settings(user="bob")) is None
    monkeypatch.setenv("B2B_PASSWORD", "sesame")
    assert credentials(settings()) is None


@pytest.mark.parametrize("password", ["", "with space", "semi;colon", 'quo"te', "a<b", "a\tb"])
def test_what_baresip_cannot_take(tmp_path, password):
    """Is refused without being told."""
    (tmp_path / "secret").write_text(password)
    with pytest.raises(UsageError, match="wanted a password without") as raised:
        credentials(settings(user="bob", password_file=tmp_path / "secret"))
    assert not password or password not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    """Is told with its name."""
    with pytest.raises(UsageError, match=r"--password-file .*/none: cannot read the password: No such file"):
        credentials(settings(user="bob", password_file=tmp_path / "none"))


def test_a_file_without_a_user(tmp_path):
    """It would answer no challenge."""
    (tmp_path / "password").write_text("sesame")
    with pytest.raises(UsageError, match="wanted --user beside it"):
        credentials(settings(password_file=tmp_path / "password"))


def test_the_password_is_written_only_where_baresip_reads_it():
    """Neither in what stays of the accounts, nor in what Python shows of them."""
    account = Account(
        user="bob", card=Card("x", ptime_ms=20), answers=True, codec="pcmu", ptime_ms=20, domain="192.0.2.1:5060",
        registers=True, outbound="sip:192.0.2.2", transport="tcp", credentials=Credentials(user="b", password="sesame"),
    )  # fmt: skip
    assert accounts([account], "127.0.0.1", secret=True) == (
        "<sip:bob@192.0.2.1:5060;transport=tcp>;regint=300;answermode=auto;audio_codecs=pcmu;ptime=20"
        ';audio_source=alsa,x_in;audio_player=alsa,x_out;outbound="sip:192.0.2.2;transport=tcp;lr"'
        ";auth_user=b;auth_pass=sesame\n"
    )
    assert "sesame" not in accounts([account], "127.0.0.1") + repr(account)
    assert accounts([account], "127.0.0.1").endswith(";auth_pass=***\n")


def test_only_one_side_of_a_mixer_registers():
    """The one that is called; both know the way and the password."""
    found = reached(
        mixer_legs("pcmu", "mix"), register=parse_target("sip:192.0.2.1"), outbound=None, transport="udp",
        credentials=Credentials(user="mix", password="x"),
    )  # fmt: skip
    assert [(leg.registers, leg.domain, leg.credentials is not None) for leg in found] == [
        (True, "192.0.2.1", True), (False, "192.0.2.1", True),
    ]  # fmt: skip
