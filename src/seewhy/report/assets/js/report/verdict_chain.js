// The chain of a word: what it follows from, and what that follows from, to its end.

import { spanOf, verdictOfWord } from "./verdicts.js";

/** @import {VerdictData} from "./payload.d.ts" */
/** @import {TextAxis} from "./text_axis.js" */
/** @import {WordRef} from "./verdicts.js" */

/**
 * A word of the chain. `relation` says how it leads to the next one, or where the chain ends.
 * @typedef {{ref: WordRef, verdict: VerdictData | null, relation: string}} ChainLink
 */

/** What the last word of a chain comes from.
 * @type {Record<string, string>} */
const ENDS = {
  picture: "from the picture",
  repeats: "repeats an earlier word",
  words: "from no single earlier word: from the prompt or from habit",
  misread: "from another place of the picture",
  unclear: "what was changed does not decide it",
};

/**
 * A word, what it follows from, and so on.
 * @param {TextAxis} text
 * @param {WordRef} first
 * @returns {ChainLink[]}
 */
export function chainFrom(text, first) {
  /** @type {ChainLink[]} */
  const links = [];
  const known = new Set();
  /** @type {WordRef | null} */
  let ref = first;
  while (ref && !known.has(key(ref))) {
    known.add(key(ref));
    const verdict = verdictOfWord(text, ref);
    const next = nextOf(text, verdict);
    links.push({ ref, verdict, relation: relation(ref, verdict, next) });
    ref = next;
  }
  return links;
}

/**
 * Words of the answer whose chain goes on with a word.
 * @param {TextAxis} text
 * @param {WordRef} ref
 * @returns {WordRef[]}
 */
export function followersOf(text, ref) {
  return (text.payload.verdicts ?? []).flatMap((verdict, word) => {
    const next = nextOf(text, verdict);
    return next && key(next) === key(ref) ? [{ part: "answer", word }] : [];
  });
}

/** @param {WordRef} ref */
const key = ({ part, word }) => `${part} ${word}`;

/**
 * The word that a verdict is shared with, or that its word follows from.
 * @param {TextAxis} text
 * @param {VerdictData | null} verdict
 * @returns {WordRef | null}
 */
function nextOf(text, verdict) {
  if (!verdict) return null;
  const { noun, follows, part } = verdict;
  if (noun !== null) return existing(text, { part: "answer", word: noun });
  if (follows === null) return null;
  return existing(text, { part: part === "prompt" ? "prompt" : "answer", word: follows });
}

/**
 * @param {TextAxis} text
 * @param {WordRef} ref
 */
const existing = (text, ref) => (spanOf(text, ref) ? ref : null);

/**
 * @param {WordRef} ref
 * @param {VerdictData | null} verdict
 * @param {WordRef | null} next
 */
function relation({ part }, verdict, next) {
  if (part === "prompt") return "in the prompt";
  if (!verdict) return "has no verdict of its own";
  if (!next) return ENDS[verdict.source] ?? verdict.source;
  if (verdict.noun !== null) return "shares the verdict of";
  return verdict.source === "repeats" ? "repeats" : "follows";
}
