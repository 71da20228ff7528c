// Draws the lanes of what happened when: the ruler, SIP messages, log lines, findings, phases, stalls.

import { colours } from "./colours.js";

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const APART = 72; // pixels from label to label

export function drawRuler(context, axis, height) {
  const { soft, line } = colours();
  const step = STEPS.find((one) => (one / axis.span) * axis.width >= APART) ?? STEPS.at(-1);
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (let n = Math.ceil(axis.from / step); n * step <= axis.to; n++) {
    const x = Math.round(axis.x(n * step)) + 0.5;
    context.fillStyle = line;
    context.fillRect(x, height - 6, 1, 6);
    context.fillStyle = soft;
    const label = clock(n * step, step);
    if (x + 3 + context.measureText(label).width < axis.width) context.fillText(label, x + 3, height / 2 - 2);
  }
}

// 83.5 as 1:23.5, with as many digits as the step has.
export function clock(at, step = 0.001) {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
  const size = Math.abs(at);
  const text = size < 60 ? `${size.toFixed(digits)} s` : `${Math.floor(size / 60)}:${(size % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
  return at < 0 ? `−${text}` : text;
}

export function drawPhases(context, axis, phases, height) {
  const { line, soft } = colours();
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { at_s, length_s, label } of phases) {
    const from = axis.x(at_s);
    const to = axis.x(at_s + length_s);
    if (to < 0 || from > axis.width) continue;
    context.fillStyle = line;
    context.fillRect(from, 0, 1, height);
    const left = Math.max(from, 0) + 4;
    context.fillStyle = soft;
    if (to - left > context.measureText(label).width) context.fillText(label, left, height / 2 + 1);
  }
}

// Marks with labels where there is room; a mark is { at, label, colour, symbol }.
export function drawMarks(context, axis, marks, height) {
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  const shown = marks.map((mark) => ({ ...mark, x: axis.x(mark.at) })).filter(({ x }) => x > -2 && x < axis.width + 2);
  for (const { x, colour, tall } of shown) {
    context.fillStyle = colour;
    context.fillRect(Math.round(x), tall ? 0 : height * 0.3, 1.5, tall ? height : height * 0.4);
  }
  let free = -Infinity;
  for (const { x, label, colour } of shown) {
    const width = context.measureText(label).width;
    if (!label || x < free || x + 4 + width > axis.width) continue;
    context.fillStyle = colours().paper;
    context.fillRect(x + 2, 2, width + 4, height - 4);
    context.fillStyle = colour;
    context.fillText(label, x + 4, height / 2 + 1);
    free = x + 10 + width;
  }
}

export function drawStalls(context, axis, stalls, height) {
  context.fillStyle = colours().unsure;
  for (const { at_s, length_s } of stalls) {
    const width = Math.max(1.5, (length_s / axis.span) * axis.width);
    const tall = Math.max(3, Math.min(1, length_s / 0.04) * height);
    const x = axis.x(at_s);
    if (x + width >= 0 && x <= axis.width) context.fillRect(x, height - tall, width, tall);
  }
}

export function nearest(marks, at, within) {
  let best = null;
  for (const mark of marks) {
    if (Math.abs(mark.at - at) <= within && (!best || Math.abs(mark.at - at) < Math.abs(best.at - at))) best = mark;
  }
  return best;
}
