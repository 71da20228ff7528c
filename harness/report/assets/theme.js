// Light, dark, or as the system has it.

import { forgetColours } from "./colours.js";

const CHOICES = ["", "light", "dark"];
const NAMES = { "": "as the system has them", light: "light", dark: "dark" };

// Calls `changed` when the colours are others, and `printing` when they have to be drawn at once.
export function listenToTheme(changed, printing) {
  const root = document.documentElement;
  const button = document.querySelector(".theme");
  const set = (choice) => {
    if (choice) root.dataset.theme = choice;
    else delete root.dataset.theme;
    button.setAttribute("aria-label", `colours: ${NAMES[choice]}`);
    button.title = `colours: ${NAMES[choice]} (key T)`;
    forgetColours();
    changed();
  };
  const next = () => set(CHOICES[(CHOICES.indexOf(root.dataset.theme ?? "") + 1) % CHOICES.length]);
  button.addEventListener("click", next);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => set(root.dataset.theme ?? ""));
  matchMedia("print").addEventListener("change", () => {
    forgetColours();
    printing();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "t" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, select")) next();
  });
}
