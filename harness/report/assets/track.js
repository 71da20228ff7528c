// A sound at one point of its way: what the page carries of it, decoded when it is first needed.

import { octets, samplesOf } from "./decode.js";
import { Peaks } from "./peaks.js";

export const RATE = 8000;

export class Track {
  constructor(described, players) {
    Object.assign(this, described); // id, title, kind, start_s, length_s, delay_s, digits, gaps, overview
    this.delay = described.delay_s ?? 0;
    this.pieces = players.map((player) => new Piece(player));
    this.coarse = described.overview && overview(described.overview);
  }

  get sounds() {
    return this.pieces.length > 0;
  }

  // The piece that has the sound of a moment, in seconds of the track.
  pieceAt(at) {
    return this.pieces.find((piece) => at >= piece.start && at < piece.end);
  }

  // The piece that begins after a moment, but no later than that.
  pieceSoon(at, within) {
    return this.pieces.find((piece) => piece.start > at && piece.start <= at + within);
  }

  // [lowest, highest] between two moments of the track; null where nothing is known.
  between(from, to) {
    const piece = this.pieceAt((from + to) / 2);
    if (piece) return piece.peaks.between((from - piece.start) * RATE, (to - piece.start) * RATE);
    return this.coarse ? this.coarse.peaks.between(from * RATE, to * RATE) : null;
  }
}

class Piece {
  constructor(player) {
    this.player = player;
    this.start = Number(player.dataset.start);
  }

  get samples() {
    this.decoded ??= samplesOf(this.player.src);
    return this.decoded;
  }

  get end() {
    this.length ??= (atobLength(this.player.src) - 58) / RATE; // the WAV's head is 58 octets long
    return this.start + this.length;
  }

  get peaks() {
    this.pyramid ??= new Peaks(this.samples, this.samples);
    return this.pyramid;
  }
}

function atobLength(uri) {
  const padding = uri.endsWith("==") ? 2 : uri.endsWith("=") ? 1 : 0;
  return ((uri.length - uri.indexOf(",") - 1) / 4) * 3 - padding;
}

function overview(described) {
  const pairs = new Int8Array(octets(described.extremes).buffer);
  const low = Float32Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i] / 127);
  const high = Float32Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i + 1] / 127);
  return {
    peaks: new Peaks(low, high, described.step_s * RATE),
    spectrum: octets(described.spectrum),
    columns: described.columns,
    bands: described.bands,
  };
}
