// The parts of the page, in order.

import { element } from "../shared/dom.js";
import { topBar } from "../shared/sections.js";
import { heading, isPart } from "./headings.js";
import { LETTERS } from "./model.js";

/** @import {Comparison} from "./comparison.js" */
/** @import {Child} from "../shared/dom.js" */

const NUMBERS = ["no", "one", "two", "three", "four"];

/**
 * @param {Comparison} comparison
 * @param {() => void} toggleTheme
 * @param {Node | null} summary
 */
export function layout(comparison, toggleTheme, summary) {
  const { answers, columns, controls, id, model, pairPanel } = comparison;
  const key = element("p", { class: "tint-key" });
  const live = element("p", { class: "visually-hidden", "aria-live": "polite", id: id("live") });
  const bar = topBar(id, "side by side");
  bar.theme.addEventListener("click", toggleTheme);
  bar.source.textContent = sourceText(comparison);
  const board = element(
    "div",
    { class: "board", "data-columns": model.columns.length, "data-answers": answers.length },
    ...columns.map(({ node }) => node),
    pairPanel.node,
  );
  /** @type {Child[]} */
  const nodes = [
    isPart(comparison) ? null : bar.node,
    ...warnings(comparison),
    element(isPart(comparison) ? "div" : "main", {}, ...intro(comparison), element("div", { class: "under-answer" }, key, controls.node), board, summary, live),
    ...notes(comparison),
  ];
  return { key, live, nodes: nodes.filter((node) => node !== null && node !== undefined) };
}

/** @param {Comparison} comparison */
function sourceText({ model }) {
  const [first] = model.columns;
  const names = [
    ...new Set(model.columns.map((column) => column.model)).size === 1 ? [first.model] : [],
    ...new Set(model.columns.map((column) => column.method)).size === 1 ? [first.method] : [],
  ];
  return names.join(" · ");
}

/** @param {Comparison} comparison */
function intro(comparison) {
  const { answers, model, payload } = comparison;
  const title = heading(comparison, 1, { class: "comparison-title" }, titleText(payload.kind, model.columns.length, model.isOneAnswer));
  if (model.isOneAnswer) {
    return [
      title,
      promptBlock(comparison),
      element("div", { class: "answer-block" }, element("p", { class: "eyebrow" }, "Answer"), answers[0].node),
    ];
  }
  return [title, promptBlock(comparison)];
}

/**
 * The prompt, or those that differ with the letters of their columns.
 * @param {Comparison} comparison
 */
function promptBlock({ model }) {
  /** @type {Map<string, string[]>} */
  const letters = new Map();
  model.columns.forEach(({ prompt }, column) => {
    letters.set(prompt, [...(letters.get(prompt) ?? []), LETTERS[column]]);
  });
  const isOne = letters.size === 1;
  return element(
    "div",
    { class: "prompt-block" },
    element("p", { class: "eyebrow" }, isOne ? "Prompt" : "Prompts"),
    ...Array.from(letters, ([prompt, of]) =>
      element(
        "p",
        { class: "prompt", dir: "auto" },
        ...(isOne ? [] : of.map((letter) => element("span", { class: "letter" }, letter))),
        prompt,
      ),
    ),
  );
}

/**
 * @param {string} kind
 * @param {number} count
 * @param {boolean} isOneAnswer
 */
function titleText(kind, count, isOneAnswer) {
  const number = NUMBERS[count] ?? String(count);
  const what = `${number[0].toUpperCase()}${number.slice(1)} ${kind}`;
  return `${what}, ${isOneAnswer ? "one answer" : "word by word"}`;
}

/**
 * What must be known before anything else.
 * @param {Comparison} comparison
 */
function warnings({ payload }) {
  if (!payload.warnings.length) return [];
  const lines = payload.warnings.map((warning) => element("p", {}, warning));
  return [element("section", { class: "warnings", "aria-label": "Read this first" }, ...lines)];
}

/** @param {Comparison} comparison */
function notes(comparison) {
  const { model, payload } = comparison;
  const own = model.columns.flatMap(({ notes: all }, column) =>
    all
      .filter((note) => !payload.warnings.includes(note))
      .map((note) => ({ note, letter: LETTERS[column] })),
  );
  /** @type {Map<string, string[]>} */
  const letters = new Map();
  for (const { note, letter } of own) letters.set(note, [...(letters.get(note) ?? []), letter]);
  const items = [
    ...(payload.by === "diff"
      ? ["The answers differ: equal words were found by a word-by-word comparison; words with a dotted line are not in all answers."]
      : []),
    ...payload.notes,
    ...Array.from(letters, ([note, of]) =>
      of.length === model.columns.length ? note : `${of.join(" and ")}: ${note}`,
    ),
  ];
  if (!items.length) return [];
  return [
    element(
      isPart(comparison) ? "div" : "footer",
      { class: "foot" },
      heading(comparison, 2, { class: "section-title" }, "Notes"),
      element("ul", { class: "notes" }, ...items.map((note) => element("li", {}, note))),
    ),
  ];
}
