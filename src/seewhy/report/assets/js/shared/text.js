// Numbers and strings as a person reads them.

/** @param {number} x */
export const clamp = (x) => Math.min(Math.max(x, 0), 1);

/**
 * The bytes of a base64 text.
 * @param {string} text
 */
export function decodeBase64(text) {
  const characters = atob(text);
  // A page may hold tens of millions of bytes: `Uint8Array.from` takes ten times as long.
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/**
 * A share in [0, 1] as percent; 0 % and 100 % stand for exactly that.
 * @param {number} p
 */
export function percent(p) {
  if (p > 0 && p < 0.0005) return "< 0.1 %";
  if (p < 1 && p >= 0.9995) return "> 99.9 %";
  const digits = p === 0 || p === 1 || (p >= 0.0995 && p < 0.9945) ? 0 : 1;
  return `${(100 * p).toFixed(digits)} %`;
}

/**
 * A number with two decimals, or two significant digits where those would say too little.
 * @param {number} x
 */
export function decimal(x) {
  const extreme = Math.abs(x) >= 1000 || (x !== 0 && Math.abs(x) < 0.01);
  return extreme ? x.toPrecision(2) : x.toFixed(2);
}

/**
 * A place in pixels.
 * @param {number[]} xy
 */
export const point = ([x, y]) => `${Math.round(x)}, ${Math.round(y)}`;

/** @param {string} text */
export const capitalize = (text) => text[0].toUpperCase() + text.slice(1);

/**
 * A text with signs for its line ends and tabs, and for no text at all.
 * @param {string} text
 */
export const visibleText = (text) => text.replace(/\n/g, "⏎").replace(/\t/g, "⇥") || "∅";

/**
 * A word or token as a label: no spaces around it.
 * @param {string} text
 */
export const label = (text) => visibleText(text).trim() || "␣";

/**
 * A sentence whose numbers stay on one line with their per cent signs.
 * @param {string} sentence
 */
export const unbroken = (sentence) => sentence.replace(/(\d) %/g, "$1\u00a0%");
