"""SIP addresses as users write them."""

from __future__ import annotations

import pytest

from b2b.addresses import Bind, Target, is_ipv4, is_loopback, parse_bind, parse_target, parse_user
from b2b.errors import ExitCode, UsageError


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        ("127.0.0.1:0", Bind("127.0.0.1", 0)),
        ("127.0.0.1:5062", Bind("127.0.0.1", 5062)),
        ("0.0.0.0:65535", Bind("0.0.0.0", 65535)),
        ("192.0.2.7:1", Bind("192.0.2.7", 1)),
        ("YOUR_HOST_IP:5062", Bind("YOUR_HOST_IP", 5062)),
    ],
)
def test_an_address_to_listen_on_is_an_ip_and_a_port(text: str, bind: Bind) -> None:
    """And is written as it was read."""
    assert parse_bind(text) == bind
    assert str(bind) == text


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "127.0.0.1", "127.0.0.1:", ":5062", "5062", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:65536",
        "127.0.0.1:99999999", "127.0.0:5062", "127.0.0.256:5062", "127.0.0.01:5062", "localhost:5062", "[::1]:5062",
        "::1:5062", " 127.0.0.1:5062", "127.0.0.1:5062 ", "127.0.0.1:5062\n", "127.0.0.1:5 062", "127.0.0.1:٥٠",
        "sip:127.0.0.1:5062", "127.0.0.1:5062;x", "your_host_ip:5062",
    ],
)  # fmt: skip
def test_what_is_no_address_to_listen_on_is_refused(text: str) -> None:
    """With an example of one, and with what came instead."""
    with pytest.raises(UsageError) as caught:
        parse_bind(text)
    assert str(caught.value) == f"wanted an IPv4 address and port like 127.0.0.1:5062, came {text!r}"
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "target", "dialled"),
    [
        ("sip:127.0.0.1:5062", Target(None, "127.0.0.1", 5062), "sip:b2b@127.0.0.1:5062"),
        ("sip:sink@127.0.0.1:5062", Target("sink", "127.0.0.1", 5062), "sip:sink@127.0.0.1:5062"),
        ("sip:127.0.0.1", Target(None, "127.0.0.1", None), "sip:b2b@127.0.0.1:5060"),
        ("sip:+442083661177@pbx.example", Target("+442083661177", "pbx.example", None),
         "sip:+442083661177@pbx.example:5060"),
        ("sip:a.b_c~d!e*f'g%20h&i=j$k@my-host:1", Target("a.b_c~d!e*f'g%20h&i=j$k", "my-host", 1),
         "sip:a.b_c~d!e*f'g%20h&i=j$k@my-host:1"),
        ("sip:YOUR_HOST_IP:5063", Target(None, "YOUR_HOST_IP", 5063), "sip:b2b@YOUR_HOST_IP:5063"),
        ("sip:sink", Target(None, "sink", None), "sip:b2b@sink:5060"),
        ("sip:x@y:65535", Target("x", "y", 65535), "sip:x@y:65535"),
    ],
)  # fmt: skip
def test_a_target_is_a_sip_uri(text: str, target: Target, dialled: str) -> None:
    """Written as it was read; dialled with a user and a port, for baresip makes nonsense of one without a user."""
    assert parse_target(text) == target
    assert str(target) == text
    assert target.dialled() == dialled
    assert parse_target(dialled).dialled() == dialled


@pytest.mark.parametrize(
    "text",
    [
        "", "sip:", "127.0.0.1:5062", "sip:@127.0.0.1", "sip:127.0.0.1:", "sip:127.0.0.1:x", "sip:127.0.0.1:123456",
        "sip:a@b@c", "sip:a b@c", "sip:127.0.0", "sip:127.0.0.256:5062", "sip:1.2.3.4.5", "sip:[::1]:5062",
        "sip:127.0.0.1:5062;transport=tcp", "sip:127.0.0.1:5062?x=y", "sip:a;b@c", "sip:a\r\nx@c", " sip:a@b",
        "sip:a@b\n", "sip:ä@b", "sip:a@bü", "sip:a:secret@b", "http://127.0.0.1",
    ],
)  # fmt: skip
def test_what_is_no_target_is_refused(text: str) -> None:
    """With the form of one, and with what came instead."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert str(caught.value) == f"wanted sip:[user@]host[:port], came {text!r}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sips:a@b", "TLS is not supported"),
        ("SIPS:a@b", "TLS is not supported"),
        ("tel:+442083661177", "a phone number needs a host to send it to"),
        ("sip:0.0.0.0:5062", "did you mean YOUR_HOST_IP?"),
        ("sip:127.0.0.1:0", "wanted a port from 1 to 65535"),
        ("sip:127.0.0.1:65536", "wanted a port from 1 to 65535"),
    ],
)
def test_a_target_that_we_understand_but_cannot_call_is_refused_with_the_reason(text: str, reason: str) -> None:
    """More helpful than a pattern."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert reason in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["b2b", "+44", "a.b-c_d", "1001", "*98"])
def test_a_user_part_is_taken(text: str) -> None:
    """As RFC 3261 has it, section 25.1."""
    assert parse_user(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a@b", "a;b", "a,b", "<a>", "a\nb", "a?b", "a/b", "é"])
def test_what_is_no_user_part_is_refused(text: str) -> None:
    """Much of it would mean something to baresip's own accounts file."""
    with pytest.raises(UsageError, match="wanted the user part of a SIP URI"):
        parse_user(text)


@pytest.mark.parametrize(
    ("bind", "on_host"),
    [
        ("0.0.0.0:5062", "192.0.2.7:5062"),
        ("YOUR_HOST_IP:0", "192.0.2.7:0"),
        ("127.0.0.1:5062", "127.0.0.1:5062"),
        ("198.51.100.1:5062", "198.51.100.1:5062"),
    ],
)
def test_an_address_left_to_us_becomes_the_hosts(bind: str, on_host: str) -> None:
    """Any other stays as it is."""
    assert str(parse_bind(bind).on("192.0.2.7")) == on_host


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("127.0.0.1:5062", "127.0.0.1:5062", True),
        ("127.0.0.1:5062", "127.0.0.1:5063", False),
        ("127.0.0.1:5062", "127.0.0.2:5062", False),
        ("0.0.0.0:5062", "127.0.0.1:5062", True),
        ("0.0.0.0:5062", "0.0.0.0:5062", True),
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("0.0.0.0:0", "0.0.0.0:0", False),
    ],
)
def test_two_nodes_cannot_share_a_port(one: str, other: str, clash: bool) -> None:
    """Unless each is to take a free one; and it does not matter which is asked."""
    assert parse_bind(one).clashes(parse_bind(other)) is clash
    assert parse_bind(other).clashes(parse_bind(one)) is clash


@pytest.mark.parametrize(
    ("ip", "ipv4", "loopback"),
    [
        ("127.0.0.1", True, True),
        ("127.255.0.1", True, True),
        ("128.0.0.1", True, False),
        ("0.0.0.0", True, False),
        ("192.0.2.1", True, False),
        ("::1", False, False),
        ("localhost", False, False),
        ("127.1", False, False),
        ("", False, False),
    ],
)
def test_loopback_is_what_nobody_outside_can_reach(ip: str, ipv4: bool, loopback: bool) -> None:
    """A wildcard is not, nor is anything that is no address at all."""
    assert (is_ipv4(ip), is_loopback(ip)) == (ipv4, loopback)
