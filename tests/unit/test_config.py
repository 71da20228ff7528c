"""The configuration that baresip is started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2b.baresip import config
from b2b.baresip.config import Account
from b2b.baresip.soundcard import Card


def settings(**changes: object) -> dict[str, list[str]]:
    """Return baresip's `config` as its keys and all values of each."""
    wanted = {
        "address": "127.0.0.1", "port": 5062, "control_port": 4444, "card": "sink", "max_calls": 1,
        "modules_in": "/modules",
    }  # fmt: skip
    found: dict[str, list[str]] = {}
    for line in config.config(**{**wanted, **changes}).splitlines():  # type: ignore[arg-type]
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


def account(*, user: str = "sink", answers: bool = True, ptime_ms: int = 20) -> Account:
    """Return one leg."""
    return Account(user=user, card=Card("card", ptime_ms=ptime_ms), answers=answers, codec="pcmu", ptime_ms=ptime_ms)


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40])
def test_the_jitter_buffer_is_at_least_60_ms(ptime_ms: int) -> None:
    """As the requirements ask; baresip counts it in packets, and the caller chooses how long those are."""
    [delay] = settings()["jitter_buffer_delay"]
    least, most = map(int, delay.split("-"))
    assert least * ptime_ms >= 60
    assert most > least


def test_the_player_buffer_is_at_least_60_ms() -> None:
    """With baresip's own 20 ms a minute had a slip."""
    [buffer] = settings()["audio_buffer"]
    least, most = map(int, buffer.split("-"))
    assert least >= 60
    assert most > 2 * least


@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.7"])
@pytest.mark.parametrize("port", [5060, 5062, 65535])
def test_sip_and_rtp_are_on_the_address_that_was_given(address: str, port: int) -> None:
    """Without net_interface the SDP would carry the default route's address."""
    found = settings(address=address, port=port)
    assert found["sip_listen"] == [f"{address}:{port}"]
    assert found["net_interface"] == [address]


@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.7"])
def test_the_control_socket_is_never_on_any_other_address_than_127_0_0_1(address: str) -> None:
    """By itself the module listens on every address, for whoever comes."""
    assert settings(address=address, control_port=1234)["ctrl_tcp_listen"] == ["127.0.0.1:1234"]


def test_only_modules_that_are_needed_are_loaded() -> None:
    """Not `stdio` above all, which cannot start where standard input is /dev/null."""
    found = settings()
    modules = [name for key in ("module", "module_tmp", "module_app") for name in found[key]]
    assert sorted(modules) == ["account.so", "alsa.so", "ctrl_tcp.so", "g711.so", "menu.so"]
    assert found["module_path"] == ["/modules"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("audio_txmode", "thread"),
        ("call_max_calls", "1"),
        ("ringback_disabled", "yes"),
        ("menu_bell", "no"),
        ("statmode_default", "off"),
        ("ausrc_srate", "8000"),
        ("auplay_srate", "8000"),
        ("ausrc_channels", "1"),
        ("auplay_channels", "1"),
        ("rtp_stats", "yes"),
    ],
)
def test_what_a_call_depends_on_is_set(key: str, value: str) -> None:
    """Each of these cost somebody time when it was missing."""
    assert settings()[key] == [value]


def test_no_tone_of_baresips_own_gets_into_a_call() -> None:
    """It finds no sound files to ring with."""
    [path] = settings()["audio_path"]
    assert not Path(path).exists()


def test_no_key_is_set_twice() -> None:
    """But for the modules."""
    found = settings()
    assert [key for key, values in found.items() if len(values) > 1] == ["module", "module_app"]
    assert not [key for key in found if not key or "{" in key]


@pytest.mark.parametrize(("answers", "mode"), [(True, "auto"), (False, "manual")])
def test_an_account_is_one_line(answers: bool, mode: str) -> None:
    """It registers nowhere, speaks one codec, and has a sound card of its own."""
    assert account(user="b2b", answers=answers, ptime_ms=30).line("192.0.2.7") == (
        f"<sip:b2b@192.0.2.7>;regint=0;answermode={mode};audio_codecs=pcmu;ptime=30"
        ";audio_source=alsa,card_in;audio_player=alsa,card_out"
    )


def test_an_account_is_found_by_the_address_in_its_line() -> None:
    """Or `uafind` would choose nothing, and the command after it the wrong leg."""
    leg = account(user="b2b-out")
    assert leg.uri("127.0.0.1") == "sip:b2b-out@127.0.0.1"
    assert leg.line("127.0.0.1").startswith(f"<{leg.uri('127.0.0.1')}>;")


def test_the_accounts_file_has_a_line_for_each_leg() -> None:
    """In their order: calls from outside go to the first that fits."""
    legs = [account(user="near"), account(user="far", answers=False)]
    assert config.accounts(legs, "127.0.0.1") == "".join(f"{leg.line('127.0.0.1')}\n" for leg in legs)


def test_alsa_knows_every_card() -> None:
    """One configuration for the whole process."""
    with Card("near", ptime_ms=20) as near, Card("far", ptime_ms=20) as far:
        assert config.asound([near, far]) == near.asound() + far.asound()


@pytest.mark.parametrize(("present", "wanted"), [(("b",), "b"), (("a", "b"), "a"), ((), "a")])
def test_the_modules_are_looked_for_where_baresip_may_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], wanted: str
) -> None:
    """The first folder that there is; the usual one where there is none."""
    for name in present:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(config, "MODULE_FOLDERS", (str(tmp_path / "a"), str(tmp_path / "b")))
    assert config.modules_folder() == str(tmp_path / wanted)


# The names that each version of baresip documents for what we set.
ALWAYS = {
    "sip_listen", "net_interface", "call_max_calls", "call_local_timeout", "audio_player", "audio_source",
    "audio_alert", "audio_path", "ringback_disabled", "statmode_default", "ausrc_srate", "auplay_srate",
    "ausrc_channels", "auplay_channels", "audio_buffer", "rtp_stats", "ctrl_tcp_listen", "module_path", "module",
    "module_app",
}  # fmt: skip
HOLD, TYPE = "call_hold_other_calls", "audio_jitter_buffer_type"
OLD = {"poll_method", "audio_txmode", "jitter_buffer_delay"}
DOCUMENTED = {
    (1, 0, 0): ALWAYS | OLD | {"module_tmp", "menu_bell"},
    (1, 1, 0): ALWAYS | OLD | {"module_tmp", HOLD},
    (2, 0, 0): ALWAYS | OLD | {"module_tmp", HOLD},
    (3, 0, 0): ALWAYS | OLD | {HOLD},
    (4, 0, 0): ALWAYS | {HOLD, TYPE, "audio_txmode", "audio_jitter_buffer_delay"},
    (4, 5, 0): ALWAYS | {HOLD, TYPE, "audio_txmode", "audio_jitter_buffer_ms"},
    (4, 9, 0): ALWAYS | {HOLD, TYPE, "audio_jitter_buffer_ms"},
}  # fmt: skip


@pytest.mark.parametrize("version", DOCUMENTED, ids=lambda version: ".".join(map(str, version)))
def test_every_version_is_told_in_its_own_words(version: tuple[int, ...]) -> None:
    """No name that it does not know, which it would pass over in silence; and none of those that matter is left out."""
    assert settings(version=version).keys() == DOCUMENTED[version]


@pytest.mark.parametrize("version", [(4, 1, 0), (4, 9, 0), (99,)])
def test_the_jitter_buffer_of_4_x_is_at_least_60_ms(version: tuple[int, ...]) -> None:
    """It counts milliseconds, and has to be told to be of one length; an unknown version is taken for the newest."""
    found = settings(version=version)
    assert found["audio_jitter_buffer_type"] == ["fixed"]
    assert int(found["audio_jitter_buffer_ms"][0].partition("-")[0]) >= 60


def test_the_account_module_is_loaded_by_every_version() -> None:
    """Until 2.10 for a moment, from then on as an application."""
    assert "account.so" in settings(version=(2, 10, 0))["module_tmp"]
    assert "account.so" in settings(version=(2, 11, 0))["module_app"]
