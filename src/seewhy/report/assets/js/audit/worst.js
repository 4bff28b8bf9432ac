// The list of the worst words, drawn a few at a time.

import { radios } from "../shared/radios.js";
import { card } from "./card.js";
import { fits, isFiltered } from "./filters.js";
import { counted, thousands } from "./format.js";
import { WORDS_STEP } from "./state.js";

/** @import {Audit} from "./audit.js" */
/** @import {AuditWord} from "./payload.d.ts" */
/** @import {State} from "./types.d.ts" */

/** @param {Audit} audit */
export function connectWorst(audit) {
  const { parts, payload, state } = audit;
  const orders = [
    { value: "support", label: "Least support" },
    { value: "probability", label: "Most probable" },
  ];
  audit.orderChoice = radios(parts.order, orders, state.order, (value) => {
    state.order = /** @type {State["order"]} */ (value);
    audit.changed();
  });
  const views = [
    { value: "map", label: "Map" },
    { value: "bare", label: "Picture" },
    { value: "alone", label: "Map alone" },
  ];
  const pictures = radios(parts.pictures, views, state.picture, (value) => {
    const wasAlone = state.picture === "alone";
    state.picture = /** @type {State["picture"]} */ (value);
    parts.worst.dataset.picture = value;
    // Maps are painted once; on another scale they are painted anew.
    if (wasAlone !== (value === "alone")) renderWorst(audit);
  });
  audit.nextPicture = pictures.next;
  parts.worst.dataset.picture = state.picture;
  parts.more.addEventListener("click", () => showMore(audit));
  parts.pictures.hidden = !payload.worst.some(({ map }) => map);
}

/** @param {Audit} audit */
export function renderWorst(audit) {
  const { parts, state } = audit;
  const words = shownWords(audit);
  parts.worst.replaceChildren(
    ...words.slice(0, state.words).map((word, at) => card(audit, word, at + 1)),
  );
  renderCount(audit, words.length);
}

/**
 * Draw more words, and go to the first of them.
 * @param {Audit} audit
 */
export function showMore(audit) {
  const { parts, state } = audit;
  const drawn = parts.worst.children.length;
  const words = shownWords(audit);
  state.words = drawn + WORDS_STEP;
  const added = words
    .slice(drawn, state.words)
    .map((word, at) => card(audit, word, drawn + at + 1));
  parts.worst.append(...added);
  renderCount(audit, words.length);
  added[0]?.focus({ preventScroll: true });
}

/**
 * The words that fit the filters, in the chosen order.
 * @param {Audit} audit
 * @returns {AuditWord[]}
 */
export function shownWords({ payload, state }) {
  const { answers, worst, worst_shown: ranked } = payload;
  // Without a filter only the worst of all are listed, not the examples of single rows.
  const all = isFiltered(state.filters) ? worst : worst.slice(0, ranked);
  const fitting = all.filter((word) => fits(word, answers[word.answer].prompt, state.filters));
  if (state.order === "support") return fitting.sort((a, b) => a.support - b.support);
  return fitting.sort((a, b) => b.probability - a.probability);
}

/**
 * @param {Audit} audit
 * @param {number} found
 */
function renderCount({ parts, payload, state }, found) {
  const { worst_shown: ranked, totals, worst } = payload;
  const left = found - Math.min(found, state.words);
  parts.more.hidden = left === 0;
  parts.more.textContent = `Show ${Math.min(left, WORDS_STEP)} more of ${left}`;
  const text = isFiltered(state.filters)
    ? `${thousands(found)} of the ${counted(worst.length, "word")} kept for this page fit the filters.`
    : unfiltered(ranked, totals.words);
  const all = payload.files["All words (CSV)"] ? " All words are in the CSV file." : "";
  parts.count.textContent = text + all;
  parts.live.textContent = text;
}

/**
 * @param {number} ranked
 * @param {number} words
 */
function unfiltered(ranked, words) {
  if (!ranked) return "The picture bears out every word that was diagnosed.";
  return `${counted(ranked, "word")} with the least support, of ${thousands(words)}.`;
}
