// Plays one sound at a time from any moment of the axis, and changes to another at the same instant of the sound.

import { RATE } from "./track.js";

const WAIT_S = 2; // for sound that begins so soon, as before a finding at the beginning of the call

export class Player {
  constructor(changed) {
    this.changed = changed;
    this.track = null;
    this.node = null;
  }

  get playing() {
    return this.node !== null;
  }

  // Where on the axis the sound is now that is being heard.
  get at() {
    return this.playing ? this.from + this.context.currentTime - this.began : null;
  }

  // Returns whether there is sound at that moment, or soon after it.
  play(track, at) {
    this.stop();
    const moment = at - track.start_s;
    const piece = track.pieceAt(moment) ?? track.pieceSoon(moment, WAIT_S);
    if (!piece) return false;
    this.context ??= new AudioContext();
    this.context.resume();
    const node = this.context.createBufferSource();
    node.buffer = this.bufferOf(piece);
    node.connect(this.context.destination);
    const into = moment - piece.start;
    node.start(this.context.currentTime + Math.max(0, -into), Math.max(0, into));
    node.onended = () => {
      if (this.node === node) this.stop();
    };
    this.node = node;
    this.track = track;
    this.from = at;
    this.began = this.context.currentTime;
    this.changed();
    return true;
  }

  stop() {
    if (!this.node) return;
    const { node } = this;
    this.node = null;
    node.stop();
    node.disconnect();
    this.changed();
  }

  bufferOf(piece) {
    if (!piece.buffer) {
      piece.buffer = this.context.createBuffer(1, Math.max(1, piece.samples.length), RATE);
      piece.buffer.copyToChannel(piece.samples, 0);
    }
    return piece.buffer;
  }
}
