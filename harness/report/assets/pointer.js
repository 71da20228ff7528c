// Mouse and touch on a timeline: click to hear, drag to zoom, wheel and pinch.

const STILL = 5; // pixels that a click may move

export function listenToPointer(timeline) {
  const { area, axis } = timeline;
  const fingers = new Map();
  const chosen = document.createElement("div");
  chosen.className = "chosen";
  chosen.hidden = true;
  area.append(chosen);
  let drag = null;

  const rowAt = (event) => timeline.rows.find((row) => row.shown && row.field.contains(event.target));
  const left = () => timeline.rows[0].field.getBoundingClientRect().left;
  const x = (event) => event.clientX - left();

  area.addEventListener("pointerdown", (event) => {
    const row = rowAt(event);
    if (!row || event.button) return;
    fingers.set(event.pointerId, x(event));
    const moves = event.shiftKey || event.pointerType === "touch";
    drag = fingers.size === 1 ? { row, x: x(event), moves, from: axis.from, to: axis.to } : null;
  });

  area.addEventListener("pointermove", (event) => {
    if (fingers.size === 2 && fingers.has(event.pointerId)) return pinch(event);
    const row = drag?.row ?? rowAt(event);
    if (row) timeline.describe(row, axis.at(x(event), timeline.shift(row)));
    if (!drag || Math.abs(x(event) - drag.x) < STILL) return undefined;
    if (!area.hasPointerCapture(event.pointerId)) area.setPointerCapture(event.pointerId);
    drag.moved = true;
    if (drag.moves) {
      const by = ((drag.x - x(event)) / axis.width) * (drag.to - drag.from);
      axis.show(drag.from + by, drag.to + by);
    } else {
      const [one, other] = [drag.x, x(event)].sort((a, b) => a - b);
      chosen.hidden = false;
      chosen.style.left = `${one + left() - area.getBoundingClientRect().left}px`;
      chosen.style.width = `${other - one}px`;
    }
    return undefined;
  });

  function pinch(event) {
    const before = [...fingers.values()];
    fingers.set(event.pointerId, x(event));
    const after = [...fingers.values()];
    const [was, is] = [before, after].map(([one, other]) => Math.max(10, Math.abs(one - other)));
    axis.zoom(was / is, axis.at((after[0] + after[1]) / 2));
  }

  function release(event) {
    fingers.delete(event.pointerId);
    const done = drag;
    drag = null;
    chosen.hidden = true;
    if (!done || event.type === "pointercancel") return;
    const at = axis.at(x(event), timeline.shift(done.row));
    if (!done.moved) timeline.hear(done.row.track?.sounds ? done.row.track : null, at);
    else if (!done.moves) {
      const [from, to] = [axis.at(done.x), axis.at(x(event))].sort((a, b) => a - b);
      axis.show(from, to);
    }
  }
  area.addEventListener("pointerup", release);
  area.addEventListener("pointercancel", release);

  area.addEventListener("dblclick", () => axis.fit());
  area.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey || event.metaKey) axis.zoom(Math.exp(event.deltaY / 300), axis.at(x(event)));
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) axis.move((event.deltaX || event.deltaY) / axis.width);
      else return;
      event.preventDefault();
    },
    { passive: false },
  );
}
