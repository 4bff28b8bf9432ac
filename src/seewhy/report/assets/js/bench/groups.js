// A figure by kind of word, such as by part of speech or by size.

import { element } from "../shared/dom.js";
import { fillSelect } from "../shared/select.js";
import { describe, formatInterval, formatValue, titleOf } from "./format.js";

/** @import {Bench} from "./bench.js" */
/** @import {BenchGroupCell} from "./payload.d.ts" */

/** @param {Bench} bench */
export function connectGroups(bench) {
  const { figure, kind } = bench.parts;
  for (const select of [figure, kind]) select.addEventListener("change", () => renderGroups(bench));
}

/** @param {Bench} bench */
export function renderGroups(bench) {
  const { parts, view } = bench;
  parts.groupsPart.hidden = !view.breakdown.length;
  if (!view.breakdown.length) return;
  const cells = chosenCells(bench);
  const groups = [...new Set(cells.map(({ group }) => group))].sort();
  const methods = bench.methods.filter((method) => cells.some((cell) => cell.method === method));
  const heads = groups.map((group) => element("th", { scope: "col" }, nameOf(group)));
  const rows = methods.map((method) =>
    groupRow(
      bench,
      method,
      groups.map((group) => cells.find((cell) => cell.method === method && cell.group === group)),
    ),
  );
  parts.groups.replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "method"), ...heads)),
    element("tbody", {}, ...rows),
  );
}

/**
 * The cells of the chosen figure and kind; only kinds that the figure has are offered.
 * @param {Bench} bench
 */
function chosenCells({ parts, payload, view }) {
  const figures = [...new Set(view.breakdown.map(({ column }) => column))];
  fillSelect(
    parts.figure,
    figures.map((at) => [String(at), titleOf(payload.columns[at])]),
  );
  const own = view.breakdown.filter(({ column }) => column === Number(parts.figure.value));
  fillSelect(
    parts.kind,
    [...new Set(own.map(kindOf))].map((kind) => [kind, kind]),
  );
  return own.filter((cell) => kindOf(cell) === parts.kind.value);
}

/** @param {BenchGroupCell} cell */
const kindOf = ({ group }) => group.slice(0, group.indexOf(":"));

/** @param {string} group */
const nameOf = (group) => group.slice(group.indexOf(":") + 1).trim();

/**
 * @param {Bench} bench
 * @param {string} method
 * @param {(BenchGroupCell | undefined)[]} cells one for each group
 */
function groupRow({ payload }, method, cells) {
  return element(
    "tr",
    { class: method === payload.reference ? "reference" : null },
    element("th", { scope: "row" }, method),
    ...cells.map((cell) => (cell ? figure(payload, cell) : element("td", {}, ""))),
  );
}

/**
 * @param {Bench["payload"]} payload
 * @param {BenchGroupCell} cell
 */
function figure({ columns, reference }, cell) {
  const column = columns[cell.column];
  return element(
    "td",
    { title: describe(cell, column, reference) },
    formatValue(cell.value, column),
    cell.significant ? element("span", { class: "star" }, "*") : null,
    element("small", {}, formatInterval(cell, column)),
  );
}
