"""Makes the run's private network hand its packets to us: what is sent does not arrive unless we send it on."""

from __future__ import annotations

from pathlib import Path

from b2b import child, host
from b2b.errors import UsageError
from b2b.sniffer import AS_SENT_TTL

DEFAULT_TTL = Path("/proc/sys/net/ipv4/ip_default_ttl")
NFT_PATIENCE_S = 10.0
# Behind every packet socket, and unnoticed by the sender: nft(8), the hook ingress of the family netdev.
RULES = f"""
table netdev b2b {{
  chain impair {{
    type filter hook ingress device "lo" priority 0;
    ip ttl {AS_SENT_TTL} ip protocol udp drop;
  }}
}}
"""


def divert() -> None:
    """Divert the network that we are in, which must be the run's own. Raises UsageError where that cannot be done."""
    nft = host.program("nft")
    if nft is None:
        raise UsageError("[impair] wants nft, which is not installed; sudo apt-get install nftables")
    try:
        if not (said := child.ask([nft, RULES], patience_s=NFT_PATIENCE_S).strip()):
            DEFAULT_TTL.write_text(str(AS_SENT_TTL))
    except OSError as error:
        said = f"{error.filename}: {error.strerror}"
    if said:
        says = "[impair] wants to divert the run's packets, which this system does not allow"
        raise UsageError(f"{says}: {said.splitlines()[0]}")
