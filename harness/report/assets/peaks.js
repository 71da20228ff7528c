// The lowest and highest values of a long row of numbers, at any zoom, without looking at each of them.

const FIRST = 32; // samples in a bin of the finest level that is not the samples themselves
const FACTOR = 4; // bins of a level in one of the next
const FEW = 512; // bins of the coarsest level

class Level {
  constructor(low, high, size) {
    this.low = low;
    this.high = high;
    this.size = size; // samples that a value stands for
  }

  coarser(factor) {
    const count = Math.ceil(this.low.length / factor);
    const low = new Float32Array(count).fill(Infinity);
    const high = new Float32Array(count).fill(-Infinity);
    for (let i = 0; i < this.low.length; i++) {
      const bin = (i / factor) | 0;
      if (this.low[i] < low[bin]) low[bin] = this.low[i];
      if (this.high[i] > high[bin]) high[bin] = this.high[i];
    }
    return new Level(low, high, this.size * factor);
  }
}

export class Peaks {
  // `size` is how many samples a value stands for: 1 for samples themselves.
  constructor(low, high, size = 1) {
    this.levels = [new Level(low, high, size)];
    if (size === 1) this.levels.push(this.levels[0].coarser(FIRST));
    while (this.levels.at(-1).low.length > FEW) this.levels.push(this.levels.at(-1).coarser(FACTOR));
  }

  // [lowest, highest] of the samples from first to after, or null where there are none.
  between(first, after) {
    const level = this.levels.findLast((one) => one.size <= (after - first) / 2) ?? this.levels[0];
    const begin = Math.max(0, Math.floor(first / level.size));
    const end = Math.min(level.low.length, Math.max(begin + 1, Math.ceil(after / level.size)));
    if (begin >= end) return null;
    let low = Infinity;
    let high = -Infinity;
    for (let i = begin; i < end; i++) {
      if (level.low[i] < low) low = level.low[i];
      if (level.high[i] > high) high = level.high[i];
    }
    return [low, high];
  }
}
