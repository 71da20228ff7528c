// Brings the page to life, once for each run that it shows.

import { listenToLog } from "./log.js";
import { listenToPointer } from "./pointer.js";
import { listenToTheme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { listenToKeys, listenToToolbar } from "./toolbar.js";

document.documentElement.classList.add("scripted");

const timelines = [...document.querySelectorAll(".run")].map((run) => {
  const timeline = new Timeline(run);
  listenToPointer(timeline);
  listenToLog(run, timeline);
  run.addEventListener("click", (event) => {
    const jump = event.target.closest(".jump");
    if (!jump) return;
    event.preventDefault();
    timeline.visit(Number(jump.dataset.at), jump.dataset.row);
    if (jump.dataset.label) timeline.say(jump.dataset.label);
  });
  return { timeline, deeds: listenToToolbar(timeline) };
});

listenToKeys(timelines);
const wanted = /^#t=(-?\d+(?:\.\d+)?)$/.exec(location.hash); // report.html#t=12.3 opens there
if (wanted) timelines.forEach(({ timeline }) => timeline.visit(Number(wanted[1]), ""));
listenToTheme(
  () => timelines.forEach(({ timeline }) => timeline.redraw()),
  () => timelines.forEach(({ timeline }) => timeline.paintAll()),
);
addEventListener("beforeprint", () => document.querySelectorAll(".findings details").forEach((one) => (one.open = true)));
