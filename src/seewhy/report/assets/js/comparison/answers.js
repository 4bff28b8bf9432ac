// The answers as buttons: one for all columns, or one for each. Arrows walk through the words.

import { closest, element } from "../shared/dom.js";
import { label, percent } from "../shared/text.js";
import { meaning } from "../shared/verdict_marks.js";
import { LETTERS, VISIBLE_CHANGE } from "./model.js";

/** @import {Comparison} from "./comparison.js" */
/** @import {Model} from "./model.js" */
/** @import {ComparedWordData} from "./payload.d.ts" */

/** The change of a logarithm that has the full tint. */
const FULL_TINT = 3;
/** The full tint in per cent: of changes, and of maps that have nothing in common. */
const [FULL_SHARE, APART_SHARE] = [55, 32];
const RETURN_MS = 220; // until the fixed word is shown again
const LONG_ANSWER = 300; // characters

/**
 * One answer's words.
 * @param {Comparison} comparison
 * @param {number} column whose answer it is; with one answer for all, the first
 */
export function makeAnswer(comparison, column) {
  const { model } = comparison;
  const { answer, words } = model.columns[column];
  const letters = Array.from(answer); // offsets count code points
  const buttons = words.map((word, at) => button(comparison, column, word, at));
  /** @type {(Node | string)[]} */
  const children = [];
  let cursor = 0;
  words.forEach((word, at) => {
    children.push(letters.slice(cursor, word.start).join(""), buttons[at]);
    cursor = word.end;
  });
  children.push(letters.slice(cursor).join(""));
  const name = model.isOneAnswer ? "Answer" : `Answer of column ${LETTERS[column]}`;
  const traits = {
    class: "answer",
    dir: "auto",
    role: "group",
    "aria-label": `${name}: choose a word, with the arrow keys too`,
    "data-length": answer.length > LONG_ANSWER ? "long" : "short",
  };
  const node = element("p", traits, ...children);
  listen(comparison, node);
  return { node, buttons, column, shown: -1 };
}

/** @typedef {ReturnType<typeof makeAnswer>} Answer */

/**
 * @param {Comparison} comparison
 * @param {number} column
 * @param {ComparedWordData} word
 * @param {number} at
 */
function button({ model }, column, word, at) {
  const row = model.rowOf(column, at);
  const source = sourceOf(model, column, row);
  const lacking = model.columns.flatMap((_, other) =>
    model.word(row, other) === null ? [LETTERS[other]] : [],
  );
  const traits = {
    type: "button",
    tabindex: "-1",
    "aria-pressed": "false",
    "data-row": row,
    "data-source": source,
    class: lacking.length ? "alone" : null,
    "aria-label": accessibleName(word, source, lacking),
  };
  return element("button", traits, word.text.trim() ? word.text : label(word.text));
}

/**
 * What a word rests on by its verdict: with one answer for all columns, where they say the same.
 * @param {Model} model
 * @param {number} column
 * @param {number} row
 */
function sourceOf(model, column, row) {
  if (!model.isOneAnswer) return model.word(row, column)?.verdict?.source ?? null;
  const sources = model.columns.flatMap((_, at) => model.word(row, at)?.verdict?.source ?? []);
  return new Set(sources).size === 1 ? sources[0] : null;
}

/**
 * @param {ComparedWordData} word
 * @param {string | null} source
 * @param {string[]} lacking letters of the columns without it
 */
function accessibleName(word, source, lacking) {
  const parts = [
    ...(source ? [meaning(source)] : []),
    ...(lacking.length ? [`not in the answer of ${lacking.join(" and ")}`] : []),
  ];
  return parts.length ? `${label(word.text)}: ${parts.join(", ")}` : null;
}

/**
 * Pointing looks at a word, a click keeps it.
 * @param {Comparison} comparison
 * @param {HTMLElement} node
 */
function listen(comparison, node) {
  let timer = 0;
  node.addEventListener("pointerover", (event) => {
    const row = rowAt(event);
    if (row === null || event.pointerType !== "mouse") return;
    clearTimeout(timer);
    comparison.look(row);
  });
  node.addEventListener("pointerleave", () => {
    clearTimeout(timer);
    timer = setTimeout(() => comparison.look(comparison.state.fixed), RETURN_MS);
  });
  node.addEventListener("click", (event) => {
    const row = rowAt(event);
    if (row !== null) comparison.choose(row);
  });
  node.addEventListener("focusin", (event) => {
    const row = rowAt(event);
    if (row !== null) comparison.look(row);
  });
  comparison.signal.addEventListener("abort", () => clearTimeout(timer));
}

/** @param {Event} event */
function rowAt(event) {
  const row = closest(event, "[data-row]")?.dataset.row;
  return row === undefined ? null : Number(row);
}

/**
 * Show which word is looked at, and bring it into view in an answer that scrolls.
 * @param {Comparison} comparison
 */
export function renderAnswers({ answers, model, state }) {
  for (const answer of answers) {
    const { node, buttons, column } = answer;
    const at = model.rows[state.row]?.[column] ?? null;
    // Of an answer that lacks the word, the tab key reaches the word that was shown before.
    const before = buttons[answer.shown];
    before?.setAttribute("aria-pressed", "false");
    if (at === null) {
      if (!before && buttons.length) buttons[0].tabIndex = 0;
      continue;
    }
    if (before) before.tabIndex = -1;
    else buttons[0].tabIndex = -1;
    answer.shown = at;
    buttons[at].setAttribute("aria-pressed", "true");
    buttons[at].tabIndex = 0;
    reveal(node, buttons[at]);
  }
}

/**
 * Scroll an answer, and nothing around it.
 * @param {HTMLElement} holder
 * @param {HTMLElement} word
 */
function reveal(holder, word) {
  if (holder.scrollHeight <= holder.clientHeight) return;
  const [outer, inner] = [holder.getBoundingClientRect(), word.getBoundingClientRect()];
  if (inner.top < outer.top) holder.scrollTop -= outer.top - inner.top + 8;
  if (inner.bottom > outer.bottom) holder.scrollTop += inner.bottom - outer.bottom + 8;
}

/**
 * Tint words by what differs between the columns of the chosen pair: their probability, or, where
 * that is the same, their maps.
 * @param {Comparison} comparison
 */
export function renderTints(comparison) {
  const { answers, model } = comparison;
  for (const { buttons } of answers) {
    for (const one of buttons) {
      const { kind, share, title } = tint(comparison, Number(one.dataset.row));
      if (kind) one.dataset.change = kind;
      else delete one.dataset.change;
      one.style.setProperty("--share", `${Math.round(share)}%`);
      one.title = title;
    }
  }
  const isTinted = model.hasChanges || model.hasSamePictures(comparison.pair);
  comparison.parts.key.replaceChildren(
    ...(isTinted ? keyOf(model.hasChanges, comparison.lettersOfPair()) : []),
  );
}

/**
 * @param {Comparison} comparison
 * @param {number} row
 * @returns {{kind: string | null, share: number, title: string}}
 */
function tint({ model, pair, isSwapped, columnsOfPair }, row) {
  if (!model.hasChanges) {
    if (!model.hasSamePictures(pair)) return { kind: null, share: 0, title: "" };
    const overlap = pair.agreements[row]?.top_overlap ?? null;
    if (overlap === null) return { kind: null, share: 0, title: "" };
    return { kind: "apart", share: APART_SHARE * (1 - overlap), title: `brightest tenth shared: ${percent(overlap)}` };
  }
  const change = model.change(pair, row);
  if (change === null) return { kind: null, share: 0, title: "" };
  const signed = isSwapped ? -change : change;
  const kind = Math.abs(change) < VISIBLE_CHANGE ? null : signed < 0 ? "lower" : "higher";
  const [first, second] = columnsOfPair.map((column) => model.word(row, column)?.probability ?? 0);
  const title = `${percent(first)}, then ${percent(second)}`;
  return { kind, share: FULL_SHARE * Math.min(1, Math.abs(change) / FULL_TINT), title };
}

/**
 * What the tints mean.
 * @param {boolean} hasChanges
 * @param {string[]} letters of the pair
 */
function keyOf(hasChanges, [first, second]) {
  /** @param {string} kind */
  const swatch = (kind) => element("span", { class: "key", "data-change": kind });
  if (!hasChanges) {
    return [swatch("apart"), ` the more tinted a word, the less its maps in ${first} and ${second} agree`];
  }
  return [
    "probability in ",
    `${second}, against ${first}: `,
    swatch("lower"),
    " lower, ",
    swatch("higher"),
    " higher",
  ];
}
