// Draws spectrograms of what is in view, 0 to 4 kHz; while the view moves, the last picture is stretched.

import { colours } from "./colours.js";
import { FRAME, addLoudest } from "./fft.js";
import { RATE } from "./track.js";

const ROWS = 64;
const QUIETEST_DB = -95;
const LOUDEST_DB = -20;
const MOST_FRAMES = 4; // that are looked at for one column

export class Spectrogram {
  constructor(track) {
    this.track = track;
    this.picture = document.createElement("canvas");
    this.levels = new Float32Array(FRAME / 2);
  }

  // Shows what has been computed, at its place in the present view. Returns whether that is all there is to see.
  draw(context, axis, shift, height) {
    const { of } = this;
    if (of) {
      const left = axis.x(of.from + of.shift, shift);
      const right = axis.x(of.to + of.shift, shift);
      context.imageSmoothingEnabled = true;
      context.drawImage(this.picture, left, 0, right - left, height);
    }
    const key = `${axis.from} ${axis.to} ${axis.width} ${shift} ${colours().heat[255]}`;
    return of?.key === key;
  }

  compute(axis, shift) {
    const width = Math.max(1, Math.round(axis.width));
    this.picture.width = width;
    this.picture.height = ROWS;
    const context = this.picture.getContext("2d");
    const image = context.createImageData(width, ROWS);
    const pixels = new Uint32Array(image.data.buffer);
    const { heat } = colours();
    for (let x = 0; x < width; x++) this.column(axis.at(x, shift), axis.at(x + 1, shift), x, width, pixels, heat);
    context.putImageData(image, 0, 0);
    const key = `${axis.from} ${axis.to} ${axis.width} ${shift} ${heat[255]}`;
    this.of = { from: axis.from, to: axis.to, shift, key };
  }

  column(start, end, x, width, pixels, heat) {
    const from = start - this.track.start_s;
    const to = end - this.track.start_s;
    if (to < 0 || from > this.track.length_s) return;
    const piece = this.track.pieceAt((from + to) / 2);
    if (piece) this.computed(piece, from, to, x, width, pixels, heat);
    else if (this.track.coarse) this.copied((from + to) / 2, x, width, pixels, heat);
  }

  computed(piece, from, to, x, width, pixels, heat) {
    const { samples } = piece;
    const begin = Math.round((from - piece.start) * RATE);
    const size = Math.max(1, Math.round((to - from) * RATE));
    const frames = Math.min(MOST_FRAMES, Math.ceil(size / FRAME));
    this.levels.fill(-Infinity);
    for (let frame = 0; frame < frames; frame++) {
      const at = begin + Math.round(((frame + 0.5) * size) / frames - FRAME / 2);
      addLoudest(samples, Math.min(Math.max(at, 0), Math.max(0, samples.length - FRAME)), this.levels);
    }
    for (let row = 0; row < ROWS; row++) {
      const level = Math.max(this.levels[2 * row], this.levels[2 * row + 1]);
      const shade = Math.round((255 * (level - QUIETEST_DB)) / (LOUDEST_DB - QUIETEST_DB));
      pixels[(ROWS - 1 - row) * width + x] = heat[Math.min(255, Math.max(0, shade))];
    }
  }

  copied(at, x, width, pixels, heat) {
    const { spectrum, columns, bands } = this.track.coarse;
    const column = Math.min(columns - 1, Math.max(0, Math.floor((at / this.track.length_s) * columns)));
    for (let row = 0; row < ROWS; row++) {
      const band = Math.floor((row * bands) / ROWS);
      pixels[(ROWS - 1 - row) * width + x] = heat[spectrum[column * bands + band]];
    }
  }
}
