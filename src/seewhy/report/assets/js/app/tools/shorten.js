// Texts that are too long for their place.

/**
 * The beginning of a text on one line.
 * @param {string} text
 * @param {number} [most] characters
 */
export function shortened(text, most = 60) {
  const letters = Array.from(text.replace(/\s+/gu, " ").trim());
  return letters.length <= most ? letters.join("") : `${letters.slice(0, most).join("").trimEnd()} …`;
}
