"""The sound that crossed a leg: the G.711 of a stream's packets, laid by their RTP timestamps on one axis of samples.

What the listener's recording and the source's file are compared with, hop by hop. Where nothing came there is silence,
and the axis knows which packet each sample came in, and when.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.sound import g711
from harness.sound.g711 import RATE, Samples
from harness.wire.bulk import collect_file
from harness.wire.order import Numbers, Order, order_of, signed
from harness.wire.streams import Flow, Stream

LAWS = {"PCMU": g711.ulaw, "PCMA": g711.alaw}
ASTRAY_S = 5.0  # timestamps that are ahead of the capture's clock by more, or go back by more, have begun again


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Audio:
    """The sound of one stream as it was sent, 8 kHz mono; sample 0 is the first of the packet sent first.

    Copies are left out and overtaken packets are in their place. Lost packets, pauses, telephone-events and comfort
    noise are silence in which `came` is False. The columns have a row for each packet of sound, as they were sent.
    """

    samples: Samples
    came: npt.NDArray[np.bool_] = field(repr=False)  # per sample: whether a packet brought it
    places: Numbers = field(repr=False)  # the first sample of each packet
    seqs: Numbers = field(repr=False)  # its sequence number
    times_s: Numbers = field(repr=False)  # when it was captured, in seconds since the epoch

    @property
    def start_s(self) -> float:
        """When sample 0 was captured, in seconds since the epoch."""
        return float(self.times_s[0])

    @property
    def length_s(self) -> float:
        """How much sound that is, silence included."""
        return len(self.samples) / RATE

    def packet_at(self, sample: int) -> int:
        """Return the row of the packet that brought a sample, or of the last one before it; 0 before the first."""
        return max(0, int(np.searchsorted(self.places, sample, side="right")) - 1)

    def time_at(self, sample: int) -> float:
        """Return when a sample was captured: when its packet came, or, where none did, when it would have been due."""
        row = self.packet_at(sample)
        due_s = float(self.times_s[row])
        came = 0 <= sample < len(self.came) and self.came[sample]
        return due_s if came else due_s + (sample - int(self.places[row])) / RATE


def audio_in(path: Path) -> dict[tuple[Flow, int], Audio]:
    """Return the sound of every stream of a capture, by flow and SSRC, as far as that can be read.

    The packets' payloads are kept only while it is put together. Raises CaptureError for what is no capture.
    """
    found = collect_file(path, keep_payloads=True)[0].streams
    return {(stream.flow, stream.ssrc): audio for stream in found if (audio := audio_of(stream))}


def audio_of(stream: Stream) -> Audio | None:
    """Return the sound of a stream that was collected with its payloads; None where none of it is G.711."""
    laws = {kind: law for kind, codec in stream.codecs.items() if (law := LAWS.get(codec.name.upper()))}
    columns, order = stream.columns, order_of(stream.columns.seqs)
    kinds = columns.payload_types
    sound = [at for at in order.sent.tolist() if int(kinds[at]) in laws and stream.payloads and stream.payloads[at]]
    if not sound:
        return None
    rows = np.array(sound)
    places = _places(order, rows, columns.timestamps, columns.times_s)
    sizes = np.array([len(stream.payloads[at]) for at in sound])
    octets = np.frombuffer(b"".join(stream.payloads[at] for at in sound), np.uint8)
    decoded, spoken = np.zeros(len(octets), np.int16), np.repeat(kinds[rows], sizes)
    for kind in np.unique(kinds[rows]).tolist():
        decoded[spoken == kind] = laws[kind](octets[spoken == kind].tobytes())
    length = int((places + sizes).max())
    at_sample = np.repeat(places - np.cumsum(sizes) + sizes, sizes) + np.arange(len(octets))
    samples, came = np.zeros(length, np.int16), np.zeros(length, bool)
    samples[at_sample] = decoded  # where two packets have the same place, the later one counts
    came[at_sample] = True
    ordered = np.argsort(places, kind="stable")
    return Audio(
        samples=samples,
        came=came,
        places=places[ordered],
        seqs=columns.seqs[rows][ordered],
        times_s=columns.times_s[rows][ordered],
    )


def _places(order: Order, rows: Numbers, timestamps: Numbers, times_s: Numbers) -> Numbers:
    """Return where each packet's sound begins: by timestamps, and where those begin again by the capture's clock."""
    steps = signed(np.diff(timestamps[rows].astype(np.int64)), 32)
    elapsed = np.rint(np.diff(times_s[rows]) * RATE).astype(np.int64)
    astray = (steps > elapsed + ASTRAY_S * RATE) | (steps < -ASTRAY_S * RATE)
    again = astray | (np.diff(order.restart[rows]) != 0)
    places = np.concatenate(([0], np.cumsum(np.where(again, np.maximum(0, elapsed), steps))))
    return np.asarray(places - places.min())
