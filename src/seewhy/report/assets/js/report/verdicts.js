// The verdicts of the answer's words: which word has which, and what it follows from.

/** @import {VerdictData} from "./payload.d.ts" */
/** @import {TextAxis} from "./text_axis.js" */
/** @import {Part, Piece} from "./types.d.ts" */

/** Below this support the picture does not bear a word out. */
export const DOUBTFUL = 0.5;

/**
 * A word of the prompt or the answer, by its index among the words of that part.
 * @typedef {{part: Part, word: number}} WordRef
 */

/** @param {VerdictData} verdict */
export const isDoubtful = ({ support }) => support < DOUBTFUL;

/**
 * Whether the answer was diagnosed. Payloads of older versions do not say.
 * @param {TextAxis} text
 */
export const isDiagnosed = ({ payload }) => Boolean(payload.verdicts);

/**
 * The verdict of a word of the answer; null for one that has none, and for words of the prompt.
 * @param {TextAxis} text
 * @param {WordRef} ref
 */
export const verdictOfWord = ({ payload }, { part, word }) =>
  part === "answer" ? (payload.verdicts?.[word] ?? null) : null;

/**
 * The verdict of a word, or of the word that a token belongs to.
 * @param {TextAxis} text
 * @param {Piece} piece
 */
export function verdictOf(text, piece) {
  const ref = wordOf(text, piece);
  return ref && verdictOfWord(text, ref);
}

/**
 * The word of the answer that a piece is, or that it belongs to: of several the last with a verdict.
 * @param {TextAxis} text
 * @param {Piece} piece
 * @returns {WordRef | null} null for a piece of the prompt, and for a token without a word
 */
export function wordOf({ payload, segmentation }, { part, index }) {
  if (part !== "answer") return null;
  if (segmentation === "words") return { part, word: index };
  const own = payload.words.answer.flatMap(({ tokens }, i) => (tokens.includes(index) ? [i] : []));
  const word = own.findLast((i) => payload.verdicts?.[i]) ?? own.at(-1);
  return word === undefined ? null : { part, word };
}

/**
 * The characters of a word.
 * @param {TextAxis} text
 * @param {WordRef} ref
 */
export function spanOf({ payload: { words } }, { part, word }) {
  return (part === "answer" ? words.answer : words.prompt)[word];
}

/**
 * The places of a word on the text axis: its own, or those of its tokens.
 * @param {TextAxis} text
 * @param {WordRef} ref
 * @returns {number[]}
 */
export function placesOfWord(text, ref) {
  const span = spanOf(text, ref);
  if (!span) return [];
  return text.placesOf(ref.part).filter((at) => {
    const { start, end } = text.pieces[at];
    return start < span.end && span.start < end;
  });
}

/**
 * Where a word of the answer is that the picture clearly does not bear out, or -1. Of equal words
 * the first with a verdict of its own.
 * @param {TextAxis} text
 */
export function worstPlace(text) {
  const verdicts = text.payload.verdicts ?? [];
  const supports = verdicts.map((verdict) => verdict?.support ?? Infinity);
  const least = Math.min(...supports, DOUBTFUL);
  const own = verdicts.findIndex((verdict) => verdict?.support === least && verdict.noun === null);
  const word = least < DOUBTFUL ? (own < 0 ? supports.indexOf(least) : own) : -1;
  return word < 0 ? -1 : (placesOfWord(text, { part: "answer", word })[0] ?? -1);
}
