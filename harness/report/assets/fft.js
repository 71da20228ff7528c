// Power spectra of 256 samples under a Hann window.

export const FRAME = 256;
const BINS = FRAME / 2;
const HANN = Float32Array.from({ length: FRAME }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FRAME));
const COS = Float32Array.from({ length: BINS }, (_, n) => Math.cos((2 * Math.PI * n) / FRAME));
const SIN = Float32Array.from({ length: BINS }, (_, n) => -Math.sin((2 * Math.PI * n) / FRAME));
const REVERSED = Uint8Array.from({ length: FRAME }, (_, n) => {
  let found = 0;
  for (let bit = 1, mirror = FRAME >> 1; bit < FRAME; bit <<= 1, mirror >>= 1) if (n & bit) found |= mirror;
  return found;
});
const real = new Float32Array(FRAME);
const imaginary = new Float32Array(FRAME);

// Writes the levels in dB, 0 being a full-scale sine, of the frame at `start` where they exceed what is there.
export function addLoudest(samples, start, levels) {
  for (let n = 0; n < FRAME; n++) {
    real[REVERSED[n]] = HANN[n] * (samples[start + n] ?? 0);
    imaginary[n] = 0;
  }
  for (let half = 1; half < FRAME; half <<= 1) {
    const step = BINS / half;
    for (let block = 0; block < FRAME; block += half << 1) {
      for (let k = 0; k < half; k++) {
        const one = block + k;
        const other = one + half;
        const c = COS[k * step];
        const s = SIN[k * step];
        const re = real[other] * c - imaginary[other] * s;
        const im = real[other] * s + imaginary[other] * c;
        real[other] = real[one] - re;
        imaginary[other] = imaginary[one] - im;
        real[one] += re;
        imaginary[one] += im;
      }
    }
  }
  for (let bin = 0; bin < BINS; bin++) {
    const power = (real[bin] ** 2 + imaginary[bin] ** 2) / (FRAME / 4) ** 2;
    const level = 10 * Math.log10(power + 1e-12);
    if (level > levels[bin]) levels[bin] = level;
  }
}
