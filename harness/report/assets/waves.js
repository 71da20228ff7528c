// Draws waveforms, with the digits and gaps of their sound.

import { colours } from "./colours.js";

const CLOSE = 9; // pixels from digit to digit
const ROOM = 26; // that a label may take beyond its digits

export function drawWave(context, axis, track, shift, height) {
  const { sound, line, soft } = colours();
  const middle = height / 2;
  context.fillStyle = line;
  const first = Math.max(0, axis.x(track.start_s, shift));
  const last = Math.min(axis.width, axis.x(track.start_s + track.length_s, shift));
  if (last > first) context.fillRect(first, middle, last - first, 1);
  for (let x = Math.floor(first); x < last; x++) {
    const from = axis.at(x, shift) - track.start_s;
    const to = axis.at(x + 1, shift) - track.start_s;
    const found = track.between(from, to);
    if (!found) continue;
    context.fillStyle = track.pieceAt((from + to) / 2) ? sound : soft;
    const [low, high] = found.map(loudness);
    context.fillRect(x, middle - high * (middle - 1), 1, Math.max(1, (high - low) * (middle - 1)));
  }
}

// Speech is quiet most of the time: the square root of an amplitude shows more of it.
function loudness(value) {
  return Math.sign(value) * Math.sqrt(Math.abs(value));
}

// Every digit is marked; those that are too close to be read apart are written together, where there is room.
export function drawDigits(context, axis, track, shift) {
  const { digit } = colours();
  context.font = "600 11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillStyle = digit;
  let free = -Infinity;
  let group = null;
  const write = () => {
    if (!group) return;
    const middle = (group.from + group.to) / 2;
    const half = context.measureText(group.label).width / 2;
    if (middle - half < free || 2 * half > group.to - group.from + ROOM) return;
    context.fillText(group.label, middle, 4);
    free = middle + half + 3;
  };
  for (const mark of track.digits) {
    const from = axis.x(track.start_s + mark.at_s, shift);
    const width = Math.max(1, (mark.length_s / axis.span) * axis.width);
    if (from + width < 0 || from > axis.width) continue;
    context.fillRect(from, 0, width, 2);
    if (group && from - group.last < CLOSE) {
      group = { ...group, last: from, to: from + width, label: group.label + mark.label };
    } else {
      write();
      group = { from, last: from, to: from + width, label: mark.label };
    }
  }
  write();
}

// Hatched, so that colour is not all there is to see; the longest have their labels first.
export function drawGaps(context, axis, marks, start, shift, height, colour) {
  const shown = marks
    .map((mark) => ({ ...mark, from: axis.x(start + mark.at_s, shift), width: Math.max(3, (mark.length_s / axis.span) * axis.width) }))
    .filter(({ from, width }) => from + width >= 0 && from <= axis.width);
  for (const { from, width } of shown) hatch(context, from, width, axis.width, height, colour);
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "bottom";
  const taken = [];
  for (const { label, from, width } of shown.sort((one, other) => other.length_s - one.length_s)) {
    const size = context.measureText(label).width;
    const left = from + width + size + 4 > axis.width ? Math.max(2, from - size - 4) : Math.max(2, from + width + 4);
    if (taken.some(([begin, end]) => left < end + 4 && left + size > begin - 4)) continue;
    taken.push([left, left + size]);
    context.fillStyle = colours().paper;
    context.fillRect(left - 2, height - 14, size + 4, 14);
    context.fillStyle = colour;
    context.fillText(label, left, height - 1);
  }
}

function hatch(context, from, width, most, height, colour) {
  context.save();
  context.beginPath();
  context.rect(from, 0, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.beginPath();
  for (let x = Math.max(from, 0) - height; x < Math.min(from + width, most); x += 5) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
  context.strokeStyle = colour;
  context.strokeRect(from + 0.5, 0.5, width - 1, height - 1);
}
