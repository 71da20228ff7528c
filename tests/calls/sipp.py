"""SIPp scenarios out of steps: devices with habits that a call has to live with."""

from __future__ import annotations

from collections.abc import Iterable

HEAD = '<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="habit">\n'
REPLY = """\
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]device[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:device@[local_ip]:[local_port]>
"""
TYPE = "      Content-Type: application/sdp\n      Content-Length: [len]\n"
SDP = """
      v=0
      o=device 1 {version} IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [rtpstream_audio_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000
      a={direction}
"""
# What is known of the caller, for requests of the device's own.
INVITED = """\
  <recv request="INVITE">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="device"/>
      <ereg regexp="sip:[^>;]*" search_in="hdr" header="Contact:" assign_to="contact"/>
    </action>
  </recv>
"""
ACKED = '  <recv request="ACK"/>\n'
PAUSES, SPEAKS_ON = (f'  <nop><action><exec rtp_stream="{what}"/></action></nop>\n' for what in ("pause", "resume"))
SPEAKS = '  <nop><action><exec rtp_stream="{audio_ulaw},-1,0"/></action></nop>\n'
HUNG_UP = """\
  <recv request="BYE"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

  ]]></send>
"""


def replies(status: str, *, direction: str | None = None) -> str:
    """Return a response to the INVITE, with an SDP of that direction."""
    if direction is None:
        return f"  <send><![CDATA[\n      SIP/2.0 {status}\n{REPLY}      Content-Length: 0\n\n  ]]></send>\n"
    body = TYPE + SDP.format(version=1, direction=direction)
    return f"  <send><![CDATA[\n      SIP/2.0 {status}\n{REPLY}{body}\n  ]]></send>\n"


def takes_again(status: str, *, direction: str | None = None) -> str:
    """Return a re-INVITE of the caller's that comes, a response to it with an SDP of that direction, and its ACK."""
    response = replies(status, direction=direction).replace("[last_To:];tag=[pid]device[call_number]", "[last_To:]")
    return f'  <recv request="INVITE"/>\n{response}{ACKED}'


def waits(milliseconds: int) -> str:
    """Return a pause."""
    return f'  <pause milliseconds="{milliseconds}"/>\n'


def invites_again(number: int, *, direction: str) -> str:
    """Return a re-INVITE of the device's own, and its ACK."""
    head = """\
      {method} [$contact] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: [$device];tag=[pid]device[call_number]
      To: [$caller]
      [last_Call-ID:]
      CSeq: {number} {method}
      Contact: <sip:device@[local_ip]:[local_port]>
      Max-Forwards: 70
"""
    invite, ack = (head.format(method=method, number=number) for method in ("INVITE", "ACK"))
    body = TYPE + SDP.format(version=number + 1, direction=direction)
    return (
        f'  <send retrans="500"><![CDATA[\n{invite}{body}\n  ]]></send>\n'
        '  <recv response="100" optional="true"/>\n  <recv response="200"/>\n'
        f"  <send><![CDATA[\n{ack}      Content-Length: 0\n\n  ]]></send>\n"
    )


def scenario(steps: Iterable[str]) -> str:
    """Return a scenario."""
    steps = list(steps)
    unused = "" if any("[$contact]" in step for step in steps) else '  <Reference variables="caller,device,contact"/>\n'
    return f"{HEAD}{''.join(steps)}{unused}</scenario>\n"
