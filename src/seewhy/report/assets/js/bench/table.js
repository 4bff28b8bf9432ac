// The table of all methods and figures, which can be sorted, and its metrics put away.

import { element } from "../shared/dom.js";
import {
  arrow,
  describe,
  formatInterval,
  formatValue,
  settingsOf,
  titleOf,
  unitOf,
} from "./format.js";

/** @import {Bench} from "./bench.js" */
/** @import {BenchCell} from "./payload.d.ts" */

/** @param {Bench} bench */
export function renderTable(bench) {
  const { parts } = bench;
  const columns = shownColumns(bench);
  const corner = element("th", { scope: "col" }, "method");
  const heads = columns.map((at) => columnHead(bench, at));
  parts.tableHead.replaceChildren(element("tr", {}, corner, ...heads));
  parts.tableBody.replaceChildren(
    ...sortedMethods(bench).map((method) => row(bench, method, columns)),
  );
}

/**
 * A button for each metric, which shows or hides its columns.
 * @param {Bench} bench
 */
export function renderMetricChoices(bench) {
  const { parts, payload, state } = bench;
  const metrics = [...new Set(payload.columns.map((column) => column.metric))];
  const buttons = metrics.map((metric) => {
    const button = element("button", { type: "button", "aria-pressed": "true" }, metric);
    button.addEventListener("click", () => {
      if (!state.hiddenMetrics.delete(metric)) state.hiddenMetrics.add(metric);
      button.setAttribute("aria-pressed", String(!state.hiddenMetrics.has(metric)));
      renderTable(bench);
    });
    return button;
  });
  parts.metrics.replaceChildren(...buttons);
}

/** @param {Bench} bench */
function shownColumns(bench) {
  const { payload, state } = bench;
  const all = payload.columns.map((_, at) => at);
  return all.filter(
    (at) => !state.hiddenMetrics.has(payload.columns[at].metric) && bench.cellsOf(at).length,
  );
}

/**
 * By which figure the table is sorted: the one that was chosen, else the main figure, best first.
 * @param {Bench} bench
 */
function orderOf({ payload, state, view }) {
  if (state.sort !== null) return state;
  const isRising = view.main !== null && payload.columns[view.main].better === false;
  return { sort: view.main, isRising };
}

/**
 * The methods by the figure that the table is sorted by, those without a value last.
 * @param {Bench} bench
 */
function sortedMethods(bench) {
  const { sort, isRising } = orderOf(bench);
  if (sort === null) return bench.methods;
  const values = new Map(bench.cellsOf(sort).map((cell) => [cell.method, cell.value]));
  const sign = isRising ? 1 : -1;
  return [...bench.methods].sort((a, b) => {
    const [x, y] = [values.get(a) ?? null, values.get(b) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (x - y);
  });
}

/**
 * Sort by a column, best first; by the same one again in the other direction.
 * @param {Bench} bench
 * @param {number} at
 */
function sortBy(bench, at) {
  const { parts, payload, state } = bench;
  const column = payload.columns[at];
  const shown = orderOf(bench);
  state.isRising = shown.sort === at ? !shown.isRising : column.better === false;
  state.sort = at;
  renderTable(bench);
  /** @type {HTMLElement | null} */
  const button = parts.tableHead.querySelector(`button[data-column="${at}"]`);
  button?.focus();
  const direction = state.isRising ? "rising" : "falling";
  parts.live.textContent = `Sorted by ${titleOf(column)}, ${direction}.`;
}

/**
 * @param {Bench} bench
 * @param {number} at
 */
function columnHead(bench, at) {
  const column = bench.payload.columns[at];
  const { sort, isRising } = orderOf(bench);
  const order = sort !== at ? "none" : isRising ? "ascending" : "descending";
  const button = element(
    "button",
    { type: "button", "data-column": at, onclick: () => sortBy(bench, at) },
    `${column.name}${arrow(column)}`,
  );
  const small = element(
    "small",
    {},
    [settingsOf(column.metric), unitOf(column)].filter(Boolean).join(" "),
  );
  return element("th", { scope: "col", "aria-sort": order, title: column.summary }, button, small);
}

/**
 * @param {Bench} bench
 * @param {string} method
 * @param {number[]} columns
 */
function row(bench, method, columns) {
  const { payload, view } = bench;
  const own = new Map(
    view.cells.filter((cell) => cell.method === method).map((cell) => [cell.column, cell]),
  );
  return element(
    "tr",
    { class: method === payload.reference ? "reference" : null },
    element("th", { scope: "row", title: payload.methods[method] }, method),
    ...columns.map((at) => figure(bench, own.get(at), at)),
  );
}

/**
 * @param {Bench} bench
 * @param {BenchCell | undefined} cell
 * @param {number} at
 */
function figure(bench, cell, at) {
  if (!cell) return element("td", {}, "");
  const column = bench.payload.columns[at];
  const value = formatValue(cell.value, column);
  const isBest = cell.value !== null && cell.value === bestValue(bench, at);
  const star = { class: "star", "aria-label": " differs from the reference" };
  return element(
    "td",
    { title: describe(cell, column, bench.payload.reference) },
    isBest ? element("b", {}, value) : value,
    cell.significant ? element("span", star, "*") : null,
    element("small", {}, formatInterval(cell, column)),
  );
}

/**
 * The best value of a column, or null where it has no better end or nothing to compare.
 * @param {Bench} bench
 * @param {number} at
 */
function bestValue(bench, at) {
  const { better } = bench.payload.columns[at];
  const values = bench
    .cellsOf(at)
    .flatMap(({ method, value }) => (value === null || bench.isModel(method) ? [] : [value]));
  if (better === null || values.length < 2) return null;
  return better ? Math.max(...values) : Math.min(...values);
}
