// What the page says elsewhere with a time beside it, for the lanes of the timeline.

const TONES = { fail: "bad", unknown: "unsure", pass: "good", ERROR: "bad", WARNING: "unsure", INFO: "soft", DEBUG: "line" };

export function marksOf(run) {
  return {
    findings: from(run, ".findings .jump", ({ dataset }) => ({
      label: dataset.label,
      about: dataset.label,
      tone: TONES[dataset.outcome],
      tall: dataset.outcome !== "pass",
      row: dataset.row,
    })),
    sip: from(run, ".ladder .step", ({ dataset }) => ({ label: dataset.title, about: dataset.label, tone: "ink" })),
    log: from(run, ".log tr[data-at]", (line) => ({
      label: "",
      about: `${line.dataset.node}: ${line.querySelector(".text").textContent}`,
      tone: TONES[line.dataset.level],
      tall: ["ERROR", "WARNING"].includes(line.dataset.level),
    })),
  };
}

function from(run, selector, described) {
  const found = [...run.querySelectorAll(selector)].map((element) => ({ at: Number(element.dataset.at), ...described(element) }));
  return found.sort((one, other) => one.at - other.at);
}
