// The filters of a run's log.

const ORDER = ["DEBUG", "INFO", "WARNING", "ERROR"];

export function listenToLog(run, timeline) {
  const log = run.querySelector(".log");
  if (!log) return;
  const filters = [...log.querySelectorAll("[data-filter]")];
  const lines = [...log.querySelectorAll("tr[data-level]")];
  const count = log.querySelector(".count");
  const one = (name) => filters.find((filter) => filter.dataset.filter === name);

  function apply() {
    const nodes = filters.filter((filter) => filter.dataset.filter === "node");
    const unwanted = new Set(nodes.filter((filter) => !filter.checked).map((filter) => filter.value));
    const least = ORDER.indexOf(one("level").value);
    const text = one("text").value.toLowerCase();
    const within = one("view").checked;
    const { from, to } = timeline.axis;
    let shown = 0;
    for (const line of lines) {
      const at = Number(line.dataset.at);
      line.hidden =
        unwanted.has(line.dataset.node) ||
        ORDER.indexOf(line.dataset.level) < least ||
        (text !== "" && !line.textContent.toLowerCase().includes(text)) ||
        (within && !(at >= from && at <= to));
      shown += !line.hidden;
    }
    count.textContent = `${shown} of ${lines.length} lines`;
  }

  for (const filter of filters) filter.addEventListener("input", apply);
  timeline.section.addEventListener("viewed", () => one("view").checked && apply());
  apply();
}
