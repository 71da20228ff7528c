// The timeline of one run: its rows, what of them is in view, and what is being heard.

import { Axis } from "./axis.js";
import { clock } from "./lanes.js";
import { marksOf } from "./marks.js";
import { Packets } from "./packets.js";
import { Player } from "./player.js";
import { makeRows } from "./rows.js";
import { Track } from "./track.js";

const REST_MS = 60; // after which spectrograms are computed anew

export class Timeline {
  constructor(run) {
    this.section = run.querySelector(".timeline");
    const data = JSON.parse(this.section.querySelector(".drawn").textContent);
    const players = (id) => [...this.section.querySelectorAll("figure[data-track] audio")].filter((player) => player.parentElement.dataset.track === id);
    this.origin = data.origin_s;
    this.tracks = data.tracks.map((track) => new Track(track, players(track.id)));
    this.marks = marksOf(run);
    this.rows = makeRows(data, this.tracks, data.strips.map((strip) => new Packets(strip)), this.marks);
    this.axis = new Axis(data.start_s, data.end_s);
    this.player = new Player(() => this.told());
    this.linedUp = false;
    this.pointed = false; // whether anybody has said where
    this.heard = this.tracks.filter((track) => track.sounds);
    this.chosen = this.heard.findLast((track) => track.kind === "recording") ?? this.heard.at(-1) ?? null;
    this.other = this.heard.find((track) => track !== this.chosen) ?? null;
    this.at = this.chosen ? Math.max(this.chosen.start_s, data.start_s) : data.start_s;
    this.area = this.section.querySelector(".rows");
    this.area.append(...this.rows.map((row) => row.element));
    this.readout = this.section.querySelector(".readout");
    this.axis.changed(() => this.redraw());
    new ResizeObserver(() => this.resized()).observe(this.area);
    this.resized();
    this.told();
  }

  shift(row) {
    return this.linedUp ? row.delay : 0;
  }

  resized() {
    const width = this.rows[0].field.clientWidth;
    if (!width || width === this.axis.width) return;
    this.axis.width = width;
    this.redraw();
  }

  redraw() {
    this.due ??= requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.due = null;
    for (const row of this.rows) if (row.shown) row.paint(this.axis, this.shift(row));
    this.point();
    this.section.dataset.drawn = "false";
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.refine(), REST_MS);
    this.section.dataset.view = `${this.axis.from.toFixed(3)} ${this.axis.to.toFixed(3)}`;
    this.section.dispatchEvent(new Event("viewed"));
  }

  // Draws everything at once, for paper.
  paintAll() {
    for (const row of this.rows) {
      row.spectrogram?.compute(this.axis, this.shift(row));
      row.paint(this.axis, this.shift(row));
    }
  }

  // Computes one spectrogram after the other, and lets whoever moves the view go first.
  refine() {
    const stale = this.rows.find((row) => row.spectrogram && row.shown && !row.paint(this.axis, this.shift(row)));
    this.section.dataset.drawn = String(!stale); // whether all that is in view has been computed
    if (!stale) return;
    stale.spectrogram.compute(this.axis, this.shift(stale));
    stale.paint(this.axis, this.shift(stale));
    this.resting = setTimeout(() => this.refine(), 0);
  }

  // Where in a row the sound is that is being heard, or would be.
  place(row) {
    if (!this.chosen || !this.pointed) return null;
    const at = row.track || row.kind === "packets" ? this.at - this.chosen.delay + row.delay : this.at;
    return this.axis.x(at, this.shift(row));
  }

  point() {
    for (const row of this.rows) row.point(this.place(row), this.axis.width);
    this.section.dataset.at = this.at.toFixed(3);
  }

  hear(track, at) {
    if (track && track !== this.chosen) [this.chosen, this.other] = [track, this.chosen];
    if (!this.chosen) return;
    this.at = at;
    this.pointed = true;
    if (!this.player.play(this.chosen, at)) this.say(`${this.chosen.title}: the page carries no sound of ${clock(at)}`);
    this.told();
    this.point();
  }

  toggle() {
    if (this.player.playing) this.player.stop();
    else this.hear(this.chosen, this.at);
  }

  // The same instant of the sound, elsewhere on its way.
  change(track) {
    if (!track || !this.chosen || track === this.chosen) return;
    const at = this.at - this.chosen.delay + track.delay;
    const { playing } = this.player;
    [this.chosen, this.other] = [track, this.chosen];
    this.at = at;
    if (playing) this.hear(track, at);
    this.told();
    this.point();
  }

  told() {
    const { playing } = this.player;
    this.section.dataset.playing = String(playing);
    this.section.dataset.track = this.chosen?.id ?? "";
    this.section.dispatchEvent(new Event("told"));
    if (playing) requestAnimationFrame(() => this.tick());
  }

  tick() {
    if (!this.player.playing) return;
    this.at = this.player.at;
    this.axis.follow(this.at - this.shift(this.chosen));
    this.point();
    requestAnimationFrame(() => this.tick());
  }

  // Brings a place into view, and marks the row that it is in.
  visit(at, id) {
    const row = this.rows.find((one) => one.id && one.id === id);
    this.axis.visit(at - (row ? this.shift(row) : 0));
    const track = row?.track?.sounds ? row.track : null;
    if (track && track !== this.chosen) [this.chosen, this.other] = [track, this.chosen];
    this.player.stop();
    this.at = at - 0.5;
    this.pointed = true;
    this.told();
    this.point();
    const element = row?.element ?? this.area;
    element.classList.remove("flash");
    requestAnimationFrame(() => element.classList.add("flash"));
    this.section.scrollIntoView({ block: "start" });
  }

  // The finding after or before the middle of the view.
  step(direction) {
    const { axis } = this;
    const amiss = this.marks.findings.filter((mark) => mark.tall);
    const found = amiss.length ? amiss : this.marks.findings;
    const middle = (axis.from + axis.to) / 2;
    const whole = axis.span >= (axis.end - axis.start) * 0.999;
    const next = found.find((mark) => whole || mark.at > middle + 1e-3) ?? found[0];
    const before = found.findLast((mark) => whole || mark.at < middle - 1e-3) ?? found.at(-1);
    const mark = direction > 0 ? next : before;
    if (!mark) return;
    this.visit(mark.at, mark.row);
    this.say(mark.about);
  }

  set spectra(shown) {
    for (const row of this.rows) if (row.spectrogram) row.element.hidden = !shown;
    this.redraw();
  }

  say(words) {
    this.readout.textContent = words || "\u00a0";
  }

  describe(row, at) {
    const wall = this.origin === null ? "" : new Date((this.origin + at) * 1000).toLocaleTimeString([], { hour12: false });
    const words = row.about(at, this.axis);
    this.say([clock(at), wall, row.title, words].filter(Boolean).join(" · "));
  }
}
