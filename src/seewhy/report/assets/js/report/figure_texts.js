// Text as it stands in a figure and in its caption: as in seewhy/report/figure/texts.py.

/** @type {Record<string, string>} */
const SIGNS = { "\n": "⏎", "\r": "⏎", "\t": "⇥" };
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/gu;
const NO_CHARACTER = /[\p{Cc}\p{Cs}\p{Cn}\p{Co}]/gu;

/**
 * A word as a label: signs in place of line ends and control characters, no space around it.
 * @param {string} text
 */
export function visible(text) {
  const shown = withSigns(text.replace(OVERRIDES, ""));
  return words(shown) || (text ? "␣" : "∅");
}

/**
 * A text on one line, without control characters.
 * @param {string} text
 */
export const plain = (text) => words(withSigns(text.replace(OVERRIDES, "").replace(/\p{Cc}/gu, " ")));

/**
 * A text of at most `most` characters, cut between words where that is possible.
 * @param {string} text
 * @param {number} most
 */
export function shortened(text, most) {
  const characters = Array.from(text);
  if (characters.length <= most) return text;
  const space = characters.lastIndexOf(" ", most - 1);
  const end = space > Math.floor(most / 2) ? space : most - 1;
  return `${characters.slice(0, end).join("").trimEnd()}…`;
}

/**
 * A probability with its sign; 0 and 1 stand for exactly that.
 * @param {number} value
 */
export function probability(value) {
  if (value === 0 || value === 1) return `= ${value}`;
  if (value > 0.9995) return "> 0.999";
  if (value > 0.995) return "> 0.99";
  if (value < 0.001) return "< 0.001";
  return `= ${value.toFixed(value >= 0.01 ? 2 : 3)}`;
}

/**
 * A number with two decimals, or two significant digits where those would say too little.
 * @param {number} value
 */
export function shortNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1000 && size >= 0.01) return value.toFixed(2);
  return Number(value.toPrecision(2)).toString();
}

/**
 * A model as readers know it: a hub id as it is, of a path the last part.
 * @param {string} model
 */
export function modelName(model) {
  const isPath = /^(?:\/|\.\.?\/|~|[A-Za-z]:[\\/]|\\\\)/u.test(model);
  const parts = model.split(/[\\/]/u).filter(Boolean);
  return isPath ? (parts[parts.length - 1] ?? model) : model;
}

/**
 * A safe name for a figure's file: small letters, digits and hyphens of ASCII.
 * @param {string[]} texts
 */
export function fileStem(texts) {
  const ascii = texts.join(" ").normalize("NFKD").replace(/[^\x00-\x7f]/gu, "");
  const parts = ascii.toLowerCase().match(/[a-z0-9]+/gu) ?? [];
  const stem = parts.join("-").slice(0, 60).replace(/-+$/u, "");
  return `seewhy-${stem || "figure"}`;
}

/** @param {string} text */
const withSigns = (text) =>
  text.replace(NO_CHARACTER, (one) => SIGNS[one] ?? (one < " " ? controlPicture(one) : "\ufffd"));

/** @param {string} one */
const controlPicture = (one) => String.fromCodePoint(0x2400 + one.charCodeAt(0));

/** @param {string} text */
const words = (text) => text.split(/\s+/u).filter(Boolean).join(" ");
