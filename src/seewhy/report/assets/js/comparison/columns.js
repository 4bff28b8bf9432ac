// The columns: each with its name, its picture, the map of the chosen word, and its numbers.

import { context2d, element } from "../shared/dom.js";
import { capitalize, decimal, percent } from "../shared/text.js";
import { meaning, verdictMark } from "../shared/verdict_marks.js";
import { heading } from "./headings.js";
import { makeFrame, placeMark, showPicture } from "./frames.js";
import { LETTERS } from "./model.js";

/** @import {Comparison} from "./comparison.js" */
/** @import {Answer} from "./answers.js" */
/** @import {ComparedWordData} from "./payload.d.ts" */

/**
 * @param {Comparison} comparison
 * @param {number} column
 * @param {Answer | null} answer of its own, or null where all have one
 */
export function makeColumn(comparison, column, answer) {
  const { label } = comparison.model.columns[column];
  const frame = makeFrame(comparison, column);
  const name = element("span", { class: "view-name" });
  const numbers = element("div", { class: "word-numbers" });
  const here = element("p", { class: "here" });
  const ramp = element("div", { class: "ramp", "--ramp": comparison.painters[column].gradient(comparison.colours) });
  const [low, high] = [element("span"), element("span")];
  const legend = element("div", { class: "legend" }, ramp, element("p", {}, low, high));
  const head = element(
    "header",
    { class: "column-head" },
    heading(comparison, 2, { class: "column-name" }, element("span", { class: "letter" }, LETTERS[column]), element("span", {}, label)),
    element("p", { class: "details" }, details(comparison, column)),
  );
  const node = element(
    "figure",
    { class: "column", "data-column": column },
    head,
    answer?.node ?? null,
    frame.node,
    element("figcaption", {}, name, legend, numbers, here),
  );
  return { node, frame, name, numbers, here, legend, low, high };
}

/** @typedef {ReturnType<typeof makeColumn>} ColumnParts */

/**
 * What else is to be known of a column, below its name.
 * @param {Comparison} comparison
 * @param {number} column
 */
function details({ model }, column) {
  const { label, method, model: name } = model.columns[column];
  return [name, method].filter((one) => one !== label).join(" · ");
}

/** @param {Comparison} comparison */
export function renderColumns(comparison) {
  comparison.columns.forEach((_, column) => renderColumn(comparison, column));
}

/**
 * @param {Comparison} comparison
 * @param {number} column
 */
function renderColumn(comparison, column) {
  const { columns, model, painters, state } = comparison;
  const { frame, name, numbers, legend, low, high, node } = columns[column];
  const view = model.view(state.row, column, state.view);
  showPicture(comparison, frame, view);
  const { views } = model.columns[column];
  name.textContent = views.length > 1 ? capitalize(views[view].name) : "";
  const word = model.word(state.row, column);
  node.classList.toggle("lacking", word === null);
  legend.hidden = word === null;
  const map = model.display(state.row, column, view, state.scale);
  const context = context2d(frame.canvas);
  context.clearRect(0, 0, frame.canvas.width, frame.canvas.height);
  if (map) {
    const style = { mode: "heat", colours: comparison.colours, opacity: 0.8 };
    context.putImageData(painters[column].overlay(frame.canvas, view, map, style), 0, 0);
    [low, high].forEach((node, end) => {
      node.textContent = decimal(model.range(state.row, column, state.scale)[end]);
    });
  }
  numbers.replaceChildren(...(word ? numbersOf(word) : [lackingNote(comparison)]));
}

/** @param {Comparison} comparison */
function lackingNote({ model, state }) {
  return element("p", {}, `“${model.anyWord(state.row).text.trim()}” is not in this answer.`);
}

/** @param {ComparedWordData} word */
function numbersOf(word) {
  const { probability, visual_share: share, verdict } = word;
  return [
    element(
      "dl",
      {},
      ...fact("probability", percent(probability)),
      ...(share === null ? [] : fact("from the picture", percent(share))),
    ),
    ...(verdict
      ? [
          element(
            "p",
            { class: "verdict", "data-source": verdict.source, title: verdict.sentence },
            verdictMark(verdict.source),
            ` ${capitalize(meaning(verdict.source))}, support ${percent(verdict.support)}`,
          ),
        ]
      : []),
  ];
}

/**
 * @param {string} name
 * @param {string} value
 */
const fact = (name, value) => [element("div", {}, element("dt", {}, name), element("dd", {}, value))];

/**
 * The values of all columns at the place that is pointed at.
 * @param {Comparison} comparison
 */
export function renderPlace(comparison) {
  const { columns, model, state } = comparison;
  const { place } = state;
  columns.forEach(({ frame, here }, column) => {
    const shown = place !== null && model.hasSamePlaces(place.column, column) ? place : null;
    placeMark(comparison, frame, shown);
    here.textContent = shown ? valueText(comparison, column, shown) : "";
  });
}

/**
 * @param {Comparison} comparison
 * @param {number} column
 * @param {{x: number, y: number}} place
 */
function valueText({ model, state }, column, place) {
  const word = model.word(state.row, column);
  if (word === null) return "";
  const view = model.view(state.row, column, state.view);
  const cell = cellAt(model.columns[column].views[view].grid, place);
  if (cell === null) return "here: not shown to the model";
  const value = model.maps.raw(word.maps[view])[cell];
  const share = word.total > 0 ? Math.max(value, 0) / word.total : 0;
  return `here: ${decimal(value)}, ${percent(share)} of the map`;
}

/**
 * The cell of a grid beneath a place, or null outside of the grid.
 * @param {{rows: number[], columns: number[]}} grid
 * @param {{x: number, y: number}} place
 */
export function cellAt({ rows, columns }, { x, y }) {
  const row = rows.findIndex((edge) => edge > y) - 1;
  const column = columns.findIndex((edge) => edge > x) - 1;
  return row < 0 || column < 0 ? null : row * (columns.length - 1) + column;
}
