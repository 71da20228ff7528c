// The buttons above a timeline, and the keys that do the same.

export function listenToToolbar(timeline) {
  const { section, axis } = timeline;
  const select = section.querySelector("[data-choose=track]");
  const play = section.querySelector("[data-do=play]");
  const change = section.querySelector("[data-do=other]");
  const switches = Object.fromEntries([...section.querySelectorAll("[data-switch]")].map((one) => [one.dataset.switch, one]));
  const amiss = timeline.marks.findings.length > 0;

  const deeds = {
    play: () => timeline.toggle(),
    other: () => timeline.change(timeline.other),
    in: () => axis.zoom(0.5),
    out: () => axis.zoom(2),
    fit: () => axis.fit(),
    save: () => save(timeline),
    next: () => timeline.step(1),
    previous: () => timeline.step(-1),
    left: () => axis.move(-0.2),
    right: () => axis.move(0.2),
    "lined-up": () => flip(switches["lined-up"]),
    spectra: () => flip(switches.spectra),
  };

  function flip(box) {
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change"));
  }

  for (const button of section.querySelectorAll("[data-do]")) {
    button.addEventListener("click", () => deeds[button.dataset.do]());
  }
  for (const name of ["next", "previous"]) section.querySelector(`[data-do=${name}]`).disabled = !amiss;
  switches["lined-up"].addEventListener("change", () => {
    timeline.linedUp = switches["lined-up"].checked;
    timeline.redraw();
  });
  switches.spectra.addEventListener("change", () => {
    timeline.spectra = switches.spectra.checked;
  });
  select.append(...timeline.heard.map((track) => new Option(track.title, track.id)));
  select.addEventListener("change", () => timeline.change(timeline.heard.find((track) => track.id === select.value)));
  if (!timeline.heard.length) for (const one of [select, play, change, section.querySelector("[data-do=save]")]) one.disabled = true;

  section.addEventListener("told", tell);
  function tell() {
    const { playing } = timeline.player;
    play.lastChild.textContent = playing ? " Stop" : " Play";
    play.firstElementChild.textContent = playing ? "■" : "▶";
    if (timeline.chosen) select.value = timeline.chosen.id;
    change.disabled = !timeline.other;
    change.querySelector(".other").textContent = timeline.other?.title ?? "";
  }
  tell();
  return deeds;
}

// Saves what the page carries of the chosen sound, as mu-law WAV.
function save({ chosen, at }) {
  const piece = chosen?.pieceAt(at - chosen.start_s) ?? chosen?.pieces[0];
  if (!piece) return;
  const link = document.createElement("a");
  link.href = piece.player.src;
  link.download = `${chosen.title.replace(/[^\w.-]+/g, "-")}.wav`;
  link.click();
}

const KEYS = {
  " ": "play", x: "other", "+": "in", "=": "in", "-": "out", 0: "fit", n: "next", p: "previous",
  ArrowLeft: "left", ArrowRight: "right", l: "lined-up", s: "spectra",
}; // prettier-ignore

// Keys mean the timeline that was used last.
export function listenToKeys(timelines) {
  let latest = timelines[0];
  for (const one of timelines) one.timeline.section.addEventListener("pointerdown", () => (latest = one));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !latest) return;
    if (event.target.closest("input, select, textarea, audio, .scroll")) return;
    if (event.key === " " && event.target.closest("button, a, summary")) return;
    const track = /^[1-9]$/.test(event.key) && latest.timeline.heard[Number(event.key) - 1];
    const deed = latest.deeds[KEYS[event.key] ?? KEYS[event.key.toLowerCase()]];
    if (track) latest.timeline.change(track);
    else if (deed) deed();
    else return;
    event.preventDefault();
  });
}
