// The beginning of a text, for names and cards.

const LENGTH = 48; // characters

/**
 * The beginning of a text, cut between words.
 * @param {string} text
 * @param {number} [most] characters
 */
export function shortened(text, most = LENGTH) {
  const line = text.replace(/\s+/gu, " ").trim();
  const letters = Array.from(line);
  if (letters.length <= most) return line;
  const cut = letters.slice(0, most).join("");
  return `${cut.replace(/\s+\S*$/u, "") || cut} …`;
}
