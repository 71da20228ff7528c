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


def measure(laid: Floats, sound: Floats, where: Numbers) -> Echo:
    """Return the echo that the recording has of the file at its gain; `where` is what may be compared.

    What is left beside the file is deconvolved by the file: the cross spectrum over the file's own, from correlations
    over blocks. That finds the delay; the echo's taps there are a least-squares fit.
    """
    if where.sum() < SHORTEST_S * RATE:
        return Echo()
    cross, own = _correlations(laid, (sound - laid) * where, laid * where)
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


def _correlations(laid: Floats, left: Floats, masked: Floats) -> tuple[Floats, Floats]:
    """Return how two sounds correlate with the file's past (from lag 0 on) and future (from the end back)."""
    count = -(-len(laid) // BLOCK)
    file = np.pad(laid.astype(np.float32), (BLOCK, (count + 2) * BLOCK - len(laid)))
    around = np.lib.stride_tricks.sliding_window_view(file, 4 * BLOCK)[::BLOCK]
    blocks = np.zeros((2, count, 4 * BLOCK), np.float32)
    for place, sound in zip(blocks, (left, masked), strict=True):
        place[:, BLOCK : 2 * BLOCK] = np.pad(sound, (0, count * BLOCK - len(sound))).reshape(count, BLOCK)
    sums = np.zeros((2, 2 * BLOCK + 1), np.complex128)
    for i in range(0, count, BATCH):
        spectra = np.conj(rfft(around[i : i + BATCH], axis=1))
        sums += (rfft(blocks[:, i : i + BATCH], axis=2) * spectra).sum(axis=1)
    lags = irfft(sums, axis=1)
    lags[:, BLOCK:-BLOCK] = 0  # beyond a block the lags are not whole
    return lags[0], lags[1]
