"""Echo: the file heard again, 20 to 600 ms later and fainter, from one end of the recording to the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.sound.g711 import RATE, Floats, Numbers
from harness.sound.spectrum import irfft, rfft

NEAREST, FARTHEST = RATE // 50, RATE * 6 // 10
BLOCK, BATCH = 8192, 8
SPREAD = RATE // 1000  # a hybrid's echo is spread over about a millisecond
EVEN, RIDGE = 1e-2, 1e-3  # of the power: what the division and the fit make of frequencies with nothing in them
FLOOR_DB = -80.0  # nothing
SHORTEST_S = 2.0  # of compared sound, below which syllables resemble each other too much
ABOVE = 10.0  # an echo stands out from everything else that the search finds, by that factor
EVIDENT_DB = -50.0  # a fainter one changes nothing that is measured besides


@dataclass(frozen=True, slots=True)
class Echo:
    """The strongest echo, against the sound that it is one of: -80 dB after 0 ms is none; NaN where nobody can tell."""

    db: float = float("nan")
    ms: float = float("nan")
    first: int = 0  # samples of delay of the first of its taps
    taps: Floats | None = None  # of an echo that is evident

    @property
    def samples(self) -> int:
        """The delay in samples."""
        return round(self.ms * RATE / 1000)

    def under(self, laid: Floats) -> Floats:
        """Return the file with this echo of it."""
        if self.taps is None:
            return laid
        echoed = np.convolve(laid, self.taps)[: len(laid) - self.first]
        sound: Floats = laid.copy()
        sound[self.first :] += echoed
        return sound


class Lags:
    """How what is left beside the file, and the file itself, correlate with the file: over what may be compared.

    That changes a little from one time to the next, and only what has changed is correlated anew.
    """

    def __init__(self, laid: Floats, sound: Floats) -> None:
        count = -(-len(laid) // BLOCK)
        file = np.pad(laid.astype(np.float32), (BLOCK, (count + 2) * BLOCK - len(laid)))
        self._around = np.lib.stride_tricks.sliding_window_view(file, 4 * BLOCK)[::BLOCK]
        self._sounds = [self._blocks(values) for values in (sound - laid, laid)]
        self._where = np.zeros((count, BLOCK), bool)
        self._sums = np.zeros((2, 2 * BLOCK + 1), np.complex128)

    def over(self, where: Numbers) -> tuple[Floats, Floats]:
        """Return both for the file's past (from lag 0 on) and future (from the end back)."""
        wanted = self._blocks(where)
        self._sums += self._summed(wanted & ~self._where) - self._summed(self._where & ~wanted)
        self._where = wanted
        lags = irfft(self._sums, axis=1)
        lags[:, BLOCK:-BLOCK] = 0  # beyond a block the lags are not whole
        return lags[0], lags[1]

    def _summed(self, where: Numbers) -> Numbers:
        sums = np.zeros_like(self._sums)
        some = np.flatnonzero(where.any(axis=1))
        for i in range(0, len(some), BATCH):
            batch = some[i : i + BATCH]
            spectra = np.conj(rfft(self._around[batch], axis=1))
            masked = np.zeros((2, len(batch), 4 * BLOCK), np.float32)
            for place, sound in zip(masked, self._sounds, strict=True):
                place[:, BLOCK : 2 * BLOCK] = sound[batch] * where[batch]
            sums += (rfft(masked, axis=2) * spectra).sum(axis=1)
        return sums

    @staticmethod
    def _blocks(values: Numbers) -> Numbers:
        count = -(-len(values) // BLOCK)
        kind = values.dtype if values.dtype == bool else np.float32
        return np.pad(values.astype(kind), (0, count * BLOCK - len(values))).reshape(count, BLOCK)


def measure(lags: Lags, where: Numbers) -> Echo:
    """Return the echo that a recording has of the file at its gain; `where` is what may be compared.

    What is left beside the file is deconvolved by the file: the cross spectrum over the file's own, from correlations
    over blocks. That finds the delay; the echo's taps there are a least-squares fit.
    """
    if where.sum() < SHORTEST_S * RATE:
        return Echo()
    cross, own = lags.over(where)
    power = np.maximum(rfft(own).real, 0)
    if own[0] <= 0:
        return Echo()
    even = 1 / (power + EVEN * power.max())
    answer = irfft(rfft(cross) * even) / irfft(power * even)[0]
    reach = np.abs(answer[NEAREST:FARTHEST])
    if reach.max() < ABOVE * float(np.sqrt(np.mean(reach**2))):
        return Echo(FLOOR_DB, 0.0)
    peak = NEAREST + int(reach.argmax())
    taps = np.arange(peak - SPREAD, peak + SPREAD + 1)
    matrix = own[np.abs(taps[:, None] - taps)]
    response = np.linalg.solve(matrix + RIDGE * own[0] * np.eye(len(taps)), cross[taps])
    share = float(response @ matrix @ response) / float(own[0])
    db = max(FLOOR_DB, 10 * float(np.log10(max(share, 1e-12))))
    return Echo(db, 1000 * peak / RATE, int(taps[0]), response if db > EVIDENT_DB else None)
