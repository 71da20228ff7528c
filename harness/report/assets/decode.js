// What the page carries, as numbers again.

export function octets(base64) {
  const text = atob(base64);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
  return found;
}

export function floats(base64) {
  return new Float32Array(octets(base64).buffer);
}

// G.711 table 2a: sign and magnitude, inverted.
const MULAW = Float32Array.from({ length: 256 }, (_, code) => {
  const inverted = ~code & 0xff;
  const magnitude = ((((inverted & 15) << 3) + 132) << ((inverted >> 4) & 7)) - 132;
  return (inverted & 0x80 ? -magnitude : magnitude) / 32768;
});

// The samples of a mu-law WAV in a data URI, full scale being 1.
export function samplesOf(uri) {
  const wav = octets(uri.slice(uri.indexOf(",") + 1));
  const view = new DataView(wav.buffer);
  let at = 12;
  while (at + 8 <= wav.length) {
    const name = String.fromCharCode(...wav.subarray(at, at + 4));
    const size = view.getUint32(at + 4, true);
    if (name === "data") return Float32Array.from(wav.subarray(at + 8, at + 8 + size), (code) => MULAW[code]);
    at += 8 + size + (size % 2);
  }
  return new Float32Array(0);
}
