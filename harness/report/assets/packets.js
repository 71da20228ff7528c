// Draws when the packets of a leg came: the distance from each to the next, the jitter, what was lost and what was late.

import { colours } from "./colours.js";
import { floats } from "./decode.js";
import { Peaks } from "./peaks.js";
import { drawGaps } from "./waves.js";

export class Packets {
  constructor(described) {
    Object.assign(this, described); // id, title, start_s, length_s, limit_ms, gaps, losses
    this.delay = described.delay_s ?? 0;
    this.deltas = floats(described.deltas);
    this.jitter = floats(described.jitter);
    this.times = new Float64Array(this.deltas.length);
    let at = this.start_s;
    for (let i = 0; i < this.times.length; i++) this.times[i] = at += this.deltas[i] / 1000;
    this.peaks = new Peaks(this.deltas, this.deltas);
    this.jitterPeaks = new Peaks(this.jitter, this.jitter);
    this.top = Math.max(1.3 * this.limit_ms, 1.1 * (this.peaks.between(0, this.deltas.length)?.[1] ?? 0));
  }

  // The first packet that came at a moment or later.
  after(at) {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  draw(context, axis, shift, height) {
    const { sound, second, soft, bad } = colours();
    const y = (ms) => height - 1 - (ms / this.top) * (height - 3);
    context.strokeStyle = soft;
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(0, Math.round(y(this.limit_ms)) + 0.5);
    context.lineTo(axis.width, Math.round(y(this.limit_ms)) + 0.5);
    context.stroke();
    context.setLineDash([]);
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.fillStyle = soft;
    context.fillText(`${this.limit_ms} ms`, 2, y(this.limit_ms));
    const many = this.after(axis.to + shift) - this.after(axis.from + shift);
    if (many > axis.width) this.drawDense(context, axis, shift, y, sound, second);
    else this.drawEach(context, axis, shift, y, sound, second);
    drawGaps(context, axis, this.gaps, 0, shift, height, bad);
    this.drawLosses(context, axis, shift, bad);
  }

  drawDense(context, axis, shift, y, sound, second) {
    for (let x = 0; x < axis.width; x++) {
      const first = this.after(axis.at(x, shift));
      const after = this.after(axis.at(x + 1, shift));
      if (first >= after) continue;
      const [low, high] = this.peaks.between(first, after);
      context.fillStyle = sound;
      context.fillRect(x, y(high), 1, Math.max(1.5, y(low) - y(high)));
      context.fillStyle = second;
      context.fillRect(x, y(this.jitterPeaks.between(first, after)[1]) - 0.75, 1, 1.5);
    }
  }

  drawEach(context, axis, shift, y, sound, second) {
    const first = Math.max(0, this.after(axis.from + shift) - 1);
    const after = Math.min(this.times.length, this.after(axis.to + shift) + 1);
    context.strokeStyle = second;
    context.lineWidth = 1.5;
    context.beginPath();
    for (let i = first; i < after; i++) context.lineTo(axis.x(this.times[i], shift), y(this.jitter[i]));
    context.stroke();
    context.lineWidth = 1;
    context.fillStyle = sound;
    for (let i = first; i < after; i++) {
      context.fillRect(axis.x(this.times[i], shift) - 1, y(this.deltas[i]) - 1, 2.5, 2.5);
    }
  }

  drawLosses(context, axis, shift, colour) {
    context.fillStyle = colour;
    for (const { at_s, length_s } of this.losses) {
      const x = axis.x(at_s + length_s / 2, shift);
      if (x < -6 || x > axis.width + 6) continue;
      context.beginPath();
      context.moveTo(x - 5, 0);
      context.lineTo(x + 5, 0);
      context.lineTo(x, 8);
      context.fill();
    }
  }

  // What is to be said of a moment.
  describe(at) {
    const i = this.after(at);
    if (i >= this.deltas.length || at < this.start_s) return "";
    const near = [...this.losses, ...this.gaps].filter((mark) => at >= mark.at_s - 0.02 && at <= mark.at_s + mark.length_s + 0.02);
    const marks = near.map((mark) => mark.label).join(", ");
    return `${this.deltas[i].toFixed(2)} ms after the packet before, jitter ${this.jitter[i].toFixed(2)} ms${marks && `, ${marks}`}`;
  }
}
