"""What a network does to the quality of speech, estimated by the E-model (ITU-T G.107) from codec and loss.

A capture at one place knows no delay, so that of G.107's defaults is taken: the result is listening quality, MOS-LQE.
"""

from __future__ import annotations

BEST = 93.206  # G.107 with all its default values: Ro 94.769 less Is 1.414 and Id 0.149
WORST_IE = 95.0

# Equipment impairment Ie and robustness against random loss Bpl (G.113 appendix I); G.711 without concealment, for
# baresip has none. Other codecs have no published values, and get no estimate.
CODECS = {
    "PCMU": (0.0, 4.3), "PCMA": (0.0, 4.3), "G729": (11.0, 19.0), "G723": (15.0, 16.1), "GSM-EFR": (5.0, 10.0),
    "AMR": (5.0, 10.0),
}  # fmt: skip


def r_factor(codec: str, loss_percent: float, mean_run: float) -> float | None:
    """Return the rating R, at best 93.2; None for a codec of which nothing is known.

    `loss_percent` is 0 to 100, `mean_run` the mean number of packets lost one after the other.
    """
    if codec.upper() not in CODECS:
        return None
    ie, bpl = CODECS[codec.upper()]
    if loss_percent <= 0:
        return BEST - ie
    burst_ratio = max(1.0, mean_run * (1 - loss_percent / 100))
    return BEST - (ie + (WORST_IE - ie) * loss_percent / (loss_percent / burst_ratio + bpl))


def mos(r: float) -> float:
    """Return the mean opinion score, 1 to 4.5, that a rating stands for (G.107 annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r)
