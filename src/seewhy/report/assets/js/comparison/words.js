// The answer as buttons, tinted by how the second model changes a word's probability.

import { element } from "../shared/dom.js";

/** @import {ComparedWordData, ComparisonPayload} from "./payload.d.ts" */

/** The change of a logarithm that has the full tint. */
const FULL_TINT = 3;

/**
 * @param {ComparisonPayload} payload
 * @param {(index: number) => void} choose
 */
export function answer(payload, choose) {
  const letters = Array.from(payload.answer); // offsets count code points
  const buttons = payload.words.map((word, index) => button(word, () => choose(index)));
  /** @type {(Node | string)[]} */
  const children = [];
  let cursor = 0;
  payload.words.forEach((word, index) => {
    children.push(letters.slice(cursor, word.start).join(""), buttons[index]);
    cursor = word.end;
  });
  children.push(letters.slice(cursor).join(""));
  return { node: element("p", { class: "answer", dir: "auto" }, ...children), buttons };
}

/**
 * @param {ComparedWordData} word
 * @param {() => void} choose
 */
function button(word, choose) {
  const change = logChange(word);
  return element(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      "data-change": change < 0 ? "lower" : change > 0 ? "higher" : null,
      "--share": `${Math.round(55 * Math.min(1, Math.abs(change) / FULL_TINT))}%`,
      title: `${percent(word.probabilities[0])}, then ${percent(word.probabilities[1])}`,
      onclick: choose,
    },
    word.text,
  );
}

/** @param {ComparedWordData} word */
function logChange({ probabilities: [first, second] }) {
  return Math.log(Math.max(second, 1e-12)) - Math.log(Math.max(first, 1e-12));
}

/** @param {number} share */
export function percent(share) {
  return `${Number((100 * share).toPrecision(3))} %`;
}
