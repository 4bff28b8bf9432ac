// Which way a text runs, and which language its script suggests.

const LETTER = /\p{L}/u;
const RIGHT_TO_LEFT =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}\p{Script=Samaritan}\p{Script=Mandaic}]/u;

/** Scripts that name a language well enough to choose a font, the most telling first. */
const LANGUAGES = /** @type {const} */ ([
  ["ja", /[\p{Script=Hiragana}\p{Script=Katakana}]/u, 0.1],
  ["ko", /\p{Script=Hangul}/u, 0.3],
  ["zh", /\p{Script=Han}/u, 0.3],
  ["ar", /\p{Script=Arabic}/u, 0.3],
  ["he", /\p{Script=Hebrew}/u, 0.3],
  ["hi", /\p{Script=Devanagari}/u, 0.3],
  ["bn", /\p{Script=Bengali}/u, 0.3],
  ["ta", /\p{Script=Tamil}/u, 0.3],
  ["te", /\p{Script=Telugu}/u, 0.3],
  ["th", /\p{Script=Thai}/u, 0.3],
  ["lo", /\p{Script=Lao}/u, 0.3],
  ["km", /\p{Script=Khmer}/u, 0.3],
  ["my", /\p{Script=Myanmar}/u, 0.3],
]);

/**
 * The base direction of a text: that of its first letter, as HTML's `dir="auto"` has it.
 * @param {string} text
 * @returns {"ltr" | "rtl"}
 */
export const directionOf = (text) => (RIGHT_TO_LEFT.test(LETTER.exec(text)?.[0] ?? "") ? "rtl" : "ltr");

/**
 * A language whose fonts fit the text's script, or null: browsers choose fonts by it.
 * @param {string} text
 */
export function languageOf(text) {
  const letters = Array.from(text).filter((letter) => LETTER.test(letter));
  const found = LANGUAGES.find(
    ([, script, least]) =>
      letters.length > 0 &&
      letters.filter((letter) => script.test(letter)).length >= least * letters.length,
  );
  return found?.[0] ?? null;
}

/**
 * Set a text's direction and language on the element that holds it.
 * @param {HTMLElement} holder
 * @param {string} text what a person reads, without markup
 */
export function setScript(holder, text) {
  const language = languageOf(text);
  holder.dir = directionOf(text);
  if (language === null) holder.removeAttribute("lang");
  else holder.lang = language;
}
