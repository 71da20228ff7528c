"""A packet that a bridge shows at each of its ports, and one that the network has doubled."""

from __future__ import annotations

from b2b.sniffer import PASSAGE_S, Passages


def test_at_another_interface_it_is_the_same_packet():
    passages = Passages()
    assert [passages.again(b"one", interface, 5.0) for interface in ("veth0", "docker0", "veth1")] == [
        False, True, True,
    ]  # fmt: skip


def test_at_the_same_interface_it_was_sent_twice():
    """And both of them pass the other interface."""
    passages = Passages()
    seen = [passages.again(b"one", interface, 5.0) for interface in ("veth0", "veth0", "docker0", "docker0")]
    assert seen == [False, False, True, True]


def test_another_packet_is_another():
    passages = Passages()
    assert not passages.again(b"one", "veth0", 5.0)
    assert not passages.again(b"two", "docker0", 5.0)


def test_what_comes_much_later_was_sent_again():
    """SIP repeats itself after half a second (RFC 3261 section 17.1.1.2); nothing is remembered for long."""
    passages = Passages()
    for number in range(1000):
        assert not passages.again(b"one", f"eth{number % 2}", 5.0 + 2.1 * PASSAGE_S * number)


def test_a_passage_is_known_across_the_turn_of_the_memory():
    passages = Passages()
    for number in range(1000):
        at_s = 5.0 + 0.001 * number
        assert not passages.again(number.to_bytes(2, "big"), "veth0", at_s)
        assert passages.again(number.to_bytes(2, "big"), "docker0", at_s + 0.0005)
