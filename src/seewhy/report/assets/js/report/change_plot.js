// What was changed and what happened: the word's probability before and after each change.

import { element } from "../shared/dom.js";
import { clamp, label, percent } from "../shared/text.js";
import { highlight } from "./change_marks.js";
import { block } from "./detail_parts.js";
import { spanOf } from "./verdicts.js";

/** @import {Child} from "../shared/dom.js" */
/** @import {Report} from "./report.js" */
/** @import {ChangeData, VerdictData} from "./payload.d.ts" */
/** @import {WordRef} from "./verdicts.js" */

/** Ends of the axis, in falling order: the least that holds all probabilities is taken. */
const ENDS = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
const STAGGER = 3; // rows of dots, so that equal ones stay apart

/**
 * @param {Report} report
 * @param {VerdictData} verdict
 */
export function changePlot(report, verdict) {
  const { changes } = verdict;
  if (!changes.length) return null;
  const before = Math.exp(verdict.log_probability);
  const end = axisEnd([before, ...changes.flatMap(probabilities)]);
  const rows = changes.map((change, i) => changeRow(report, change, before, end, i));
  const table = element(
    "table",
    { class: "changes", id: report.id("changes"), "--before": (before / end).toFixed(4) },
    head(),
    element("tbody", {}, unchangedRow(before, end), ...rows),
    axisRow(end),
  );
  return block("What was changed, and how probable the word was then", table, numbers(report, verdict));
}

/** @param {ChangeData} change */
const probabilities = (change) => change.log_probabilities.map(Math.exp);

/** @param {number[]} all */
function axisEnd(all) {
  const highest = Math.max(...all);
  return ENDS.filter((end) => end >= highest).at(-1) ?? 1;
}

function head() {
  const names = ["changed", "plot", "probability of the word"];
  const cells = names.map((name) => element("th", { scope: "col" }, name));
  return element("thead", { class: "visually-hidden" }, element("tr", {}, ...cells));
}

/**
 * @param {number} before
 * @param {number} end
 */
function unchangedRow(before, end) {
  return row({ class: "unchanged" }, ["nothing"], [before], before, end);
}

/**
 * @param {Report} report
 * @param {ChangeData} change
 * @param {number} before
 * @param {number} end
 * @param {number} i
 */
function changeRow(report, change, before, end, i) {
  const node = row(
    { "data-change": i, "data-kind": change.kind },
    changeName(report, change),
    probabilities(change),
    change.before === null ? before : Math.exp(change.before),
    end,
  );
  node.addEventListener("pointerenter", () => highlight(report, change, true));
  node.addEventListener("pointerleave", () => highlight(report, change, false));
  return node;
}

/**
 * @param {Record<string, string | number>} attributes
 * @param {Child[]} name
 * @param {number[]} values
 * @param {number} before
 * @param {number} end
 */
function row(attributes, name, values, before, end) {
  return element(
    "tr",
    attributes,
    element("th", { scope: "row" }, ...name),
    element("td", { class: "plot" }, dots(values, before, end)),
    element("td", { class: "number" }, ...told(values)),
  );
}

/**
 * One dot for each value, and a line from the probability before to their median.
 * @param {number[]} values
 * @param {number} before
 * @param {number} end
 */
function dots(values, before, end) {
  const middle = median(values);
  const [from, to] = [Math.min(before, middle) / end, Math.max(before, middle) / end];
  const line = element("i", { class: "line", "--from": from.toFixed(4), "--to": to.toFixed(4) });
  const marks = values.map((value, i) =>
    element("i", {
      class: "dot",
      "--x": clamp(value / end).toFixed(4),
      "--y": values.length > STAGGER ? (i % STAGGER) - (STAGGER - 1) / 2 : 0,
    }),
  );
  return element("div", { class: "dots", "aria-hidden": "true" }, line, ...marks);
}

/**
 * The probability as a number; of several the median, and how many there are.
 * @param {number[]} values
 */
function told(values) {
  const middle = percent(median(values));
  if (values.length < 2) return [values.length ? middle : "–"];
  return [middle, " ", element("small", {}, `median of ${values.length}`)];
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return sorted.length ? (low + high) / 2 : 0;
}

/** @param {number} end */
function axisRow(end) {
  const scale = element("td", { class: "axis" }, element("span", {}, "0 %"), element("span", {}, percent(end)));
  return element("tfoot", { "aria-hidden": "true" }, element("tr", {}, element("td"), scale, element("td")));
}

/**
 * What was changed, in words.
 * @param {Report} report
 * @param {ChangeData} change
 * @returns {Child[]}
 */
function changeName(report, change) {
  const { views } = report;
  const where = views.several && change.view !== null ? ` in ${views.nameInText(change.view)}` : "";
  const word = earlierWord(report, change);
  /** @type {Record<string, Child[]>} */
  const names = {
    "other-pictures": ["other pictures"],
    grey: [views.several ? "grey pictures" : "a grey picture"],
    "hues-turned": ["other colours"],
    "upside-down": ["upside down"],
    mirrored: ["mirrored"],
    "place-removed": [`without its place${where}`],
    "place-kept": [`only its place${where}`],
    "place-turned": [`its place upside down${where}`],
    "word-dropped": ["without ", word],
    "word-swapped": [quotedText(change.replacement), " in place of ", word],
  };
  return names[change.kind] ?? [change.kind];
}

/**
 * The earlier word that was changed, as a quotation.
 * @param {Report} report
 * @param {ChangeData} change
 */
function earlierWord({ text }, { part, word }) {
  /** @type {WordRef} */
  const ref = { part: part === "prompt" ? "prompt" : "answer", word: word ?? -1 };
  return quotedText(spanOf(text, ref)?.text ?? "");
}

/** @param {string} text */
const quotedText = (text) => element("bdi", { class: "changed-word" }, `“${label(text)}”`);

/**
 * All numbers, to check by hand.
 * @param {Report} report
 * @param {VerdictData} verdict
 */
function numbers(report, { changes, log_probability }) {
  const entries = [
    numberRow(["nothing"], [log_probability]),
    ...changes.map((change) => numberRow(changeName(report, change), change.log_probabilities)),
  ];
  const names = ["changed", "log-probabilities in nats", "probabilities"];
  const cells = names.map((name) => element("th", { scope: "col" }, name));
  return element(
    "details",
    { class: "all-numbers" },
    element("summary", {}, "All numbers"),
    element(
      "table",
      { id: report.id("change-numbers") },
      element("thead", {}, element("tr", {}, ...cells)),
      element("tbody", {}, ...entries),
    ),
  );
}

/**
 * @param {Child[]} name
 * @param {number[]} logs
 */
function numberRow(name, logs) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, ...name),
    element("td", {}, logs.map((value) => value.toFixed(3).replace("-", "−")).join("  ")),
    element("td", {}, logs.map((value) => percent(Math.exp(value))).join("  ")),
  );
}
