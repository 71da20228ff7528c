"""What crossed the wire: from a capture to numbers per leg. Pure: a file or datagrams in, values out.

    reading = read_datagrams("capture.pcap")       # read.py: pcap, pcapng; CaptureError for anything else
    wire = collect(reading)                        # collect.py: one pass; wire.streams, wire.sip
    reading.warnings                               # why reading ended early, if it did
    for leg in legs_of(wire, {"mixer": "127.0.0.1:5063", "sink": "127.0.0.1:5062"}):  # legs.py
        print(leg.name, leg.codec, leg.stream and leg.stream.max_gap_ms)

Each step stands alone as well: `parse_rtp` and the arithmetic of sequence numbers (rtp.py), `parse_sip` and
`parse_sdp` (sip.py), `streams(datagrams)`, `legs(datagrams, nodes)`. A `Stream` holds columns, not packets, and
computes each of its figures when it is first asked for: losses and jitter as tshark counts them (figures.py), gaps
(gaps.py). Times are seconds of the capture's clock.
"""
