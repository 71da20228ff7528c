// Which rows a timeline has, from what the page carries: lanes, then sounds and packets hop by hop, then what is left.

import { colours } from "./colours.js";
import { drawMarks, drawPhases, drawRuler, drawStalls, nearest } from "./lanes.js";
import { Row } from "./row.js";
import { Spectrogram } from "./spectrogram.js";
import { drawDigits, drawGaps, drawWave } from "./waves.js";

const NEAR = 6; // pixels in which a mark is meant

export function makeRows(data, tracks, packets, marks) {
  const rows = [lane("ruler", "time", 24, (context, axis, _, height) => drawRuler(context, axis, height))];
  if (data.phases.length) {
    rows.push(lane("phases", "run", 18, (context, axis, _, height) => drawPhases(context, axis, data.phases, height), within(data.phases)));
  }
  for (const [kind, title, found, height] of [
    ["findings", "checks", marks.findings, 20],
    ["sip", "SIP", marks.sip, 20],
    ["said", "log", marks.log, 14],
  ]) {
    if (found.length) rows.push(marked(kind, title, found, height));
  }
  if (data.impaired.length) {
    const marks = data.impaired.map(({ at_s, label }) => ({ at: at_s, label: "", about: label, tone: "second" }));
    rows.push(marked("impaired", "done by the plan", marks, 14));
  }
  const unshown = new Set(packets);
  for (const track of tracks) {
    rows.push(...soundRows(track));
    for (const strip of packets) {
      if (strip.track === track.id && unshown.delete(strip)) rows.push(packetRow(strip, "packets", track));
    }
  }
  for (const strip of unshown) rows.push(packetRow(strip, strip.title, null));
  if (data.stalls.length) {
    const stalls = data.stalls.map((stall) => ({ ...stall, label: `stalled for ${Math.round(1000 * stall.length_s)} ms` }));
    rows.push(lane("stalls", "stalls of this machine", 16, (context, axis, _, height) => drawStalls(context, axis, stalls, height), within(stalls)));
  }
  return rows;
}

function lane(kind, title, height, draw, about) {
  return new Row({ kind, title, height, draw, about });
}

// Says which of some stretches a moment is in, or near.
function within(stretches) {
  return (at, axis) => {
    const near = (NEAR / axis.width) * axis.span;
    return stretches.find(({ at_s, length_s }) => at >= at_s - near && at <= at_s + length_s + near)?.label ?? "";
  };
}

function marked(kind, title, marks, height) {
  const about = (at, axis) => nearest(marks, at, (NEAR / axis.width) * axis.span)?.about ?? "";
  const draw = (context, axis, _, tall) => drawMarks(context, axis, marks.map(coloured), tall);
  return new Row({ kind, title, height, draw, about });
}

function coloured(mark) {
  return { ...mark, colour: colours()[mark.tone] };
}

function soundRows(track) {
  const spectrogram = new Spectrogram(track);
  const wave = new Row({
    id: track.id,
    kind: "wave",
    title: track.title,
    note: noteOf(track),
    height: 52,
    track,
    delay: track.delay,
    draw: (context, axis, shift, height) => {
      drawWave(context, axis, track, shift, height);
      drawGaps(context, axis, track.gaps, track.start_s, shift, height, colours().bad);
      drawDigits(context, axis, track, shift);
    },
    about: (at) => aboutSound(track, at),
  });
  if (!track.length_s || (!track.sounds && !track.coarse)) return [wave];
  const spectrum = new Row({
    kind: "spectrum",
    title: `spectrogram of ${track.title}`,
    height: 56,
    track,
    delay: track.delay,
    draw: (context, axis, shift, height) => spectrogram.draw(context, axis, shift, height),
    about: (at) => aboutSound(track, at),
  });
  spectrum.spectrogram = spectrogram;
  return [wave, spectrum];
}

function noteOf(track) {
  if (!track.sounds) return track.why;
  const late = track.delay ? `${Math.round(1000 * track.delay)} ms after the source` : "";
  return [late, track.coarse ? "the page carries the coloured part" : ""].filter(Boolean).join("; ");
}

function aboutSound(track, at) {
  const inside = at - track.start_s;
  if (inside < 0 || inside > track.length_s) return "";
  const found = [...track.digits, ...track.gaps].filter((mark) => inside >= mark.at_s && inside <= mark.at_s + mark.length_s);
  const where = track.kind === "recording" ? `${inside.toFixed(3)} s of ${track.file}` : "";
  return [where, ...found.map((mark) => mark.label)].filter(Boolean).join(", ");
}

function packetRow(strip, title, track) {
  return new Row({
    id: strip.id,
    kind: "packets",
    title,
    note: "distance, jitter",
    height: 44,
    track: track?.sounds ? track : null,
    delay: strip.delay,
    draw: (context, axis, shift, height) => strip.draw(context, axis, shift, height),
    about: (at) => strip.describe(at),
  });
}
