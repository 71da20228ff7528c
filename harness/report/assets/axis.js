// The one axis of time, in seconds, and the stretch of it that is in view.

const SHORTEST_S = 0.02;

export class Axis {
  constructor(start, end) {
    this.start = this.from = start;
    this.end = this.to = Math.max(end, start + SHORTEST_S);
    this.width = 1;
    this.listeners = [];
  }

  get span() {
    return this.to - this.from;
  }

  changed(listener) {
    this.listeners.push(listener);
  }

  // `shift` is taken off a row's times: its delay, where sounds are lined up.
  x(at, shift = 0) {
    return ((at - shift - this.from) / this.span) * this.width;
  }

  at(x, shift = 0) {
    return this.from + (x / this.width) * this.span + shift;
  }

  show(from, to) {
    const span = Math.min(Math.max(to - from, SHORTEST_S), this.end - this.start);
    const middle = (from + to) / 2;
    this.from = Math.min(Math.max(middle - span / 2, this.start), this.end - span);
    this.to = this.from + span;
    for (const listener of this.listeners) listener();
  }

  zoom(factor, around = (this.from + this.to) / 2) {
    const span = Math.min(Math.max(this.span * factor, SHORTEST_S), this.end - this.start);
    const share = (around - this.from) / this.span;
    this.show(around - share * span, around + (1 - share) * span);
  }

  move(share) {
    this.show(this.from + share * this.span, this.to + share * this.span);
  }

  fit() {
    this.show(this.start, this.end);
  }

  // Bring a place into view, close enough to see what happened there.
  visit(at, span = 1.6) {
    this.show(at - span / 2, at + span / 2);
  }

  // Keep a moving place in view.
  follow(at) {
    if (at > this.to && at < this.end) this.show(at - 0.1 * this.span, at + 0.9 * this.span);
  }
}
