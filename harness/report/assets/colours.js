// The page's colours, as the style sheet has them for light or dark.

let known = null;

export function colours() {
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "soft", "line", "paper", "wash", "sound", "second", "good", "bad", "unsure", "digit"];
  known = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  const stops = style.getPropertyValue("--heat").trim().split(/\s+/).map(rgb);
  known.heat = Uint32Array.from({ length: 256 }, (_, shade) => mixed(stops, shade / 255));
  return known;
}

export function forgetColours() {
  known = null;
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mixed(stops, share) {
  const place = share * (stops.length - 1);
  const left = Math.min(Math.floor(place), stops.length - 2);
  const [r, g, b] = [0, 1, 2].map((i) => stops[left][i] + (place - left) * (stops[left + 1][i] - stops[left][i]));
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // as ImageData has it in memory
}
