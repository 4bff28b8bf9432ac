// The verdicts of the answer's words: which word has which, and what it follows from.

/** @import {Payload, VerdictData} from "./payload.d.ts" */
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
  const word = wordsOfTokens(payload)[index];
  return word === undefined ? null : { part, word };
}

/** @type {WeakMap<Payload, number[]>} */
const ownWords = new WeakMap();

/**
 * For each token of the answer the word that it belongs to, worked out once.
 * @param {Payload} payload
 */
function wordsOfTokens(payload) {
  const known = ownWords.get(payload);
  if (known) return known;
  /** @type {number[]} */
  const words = [];
  payload.words.answer.forEach(({ tokens }, word) => {
    // Pages of older versions may hold a token twice: then the last word with a verdict has it.
    for (const token of tokens)
      if (words[token] === undefined || payload.verdicts?.[word]) words[token] = word;
  });
  ownWords.set(payload, words);
  return words;
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
  const first = ref.part === "answer" ? text.payload[text.segmentation].prompt.length : 0;
  if (text.segmentation === "words") return [first + ref.word];
  if ("tokens" in span) return span.tokens.map((token) => first + token);
  return text.placesOf(ref.part).filter((at) => {
    const { start, end } = text.pieces[at];
    return start < span.end && span.start < end;
  });
}
