// Two of the columns: which two, their difference, and how much they agree.

import { context2d, element } from "../shared/dom.js";
import { decimal, percent } from "../shared/text.js";
import { cellAt } from "./columns.js";
import { comparableMaps, paintDifference } from "./difference.js";
import { makeFrame, placeMark, showPicture } from "./frames.js";
import { heading } from "./headings.js";
import { LETTERS } from "./model.js";

/** @import {Comparison} from "./comparison.js" */
/** @import {AgreementData} from "./payload.d.ts" */

/** @param {Comparison} comparison */
export function makePairPanel(comparison) {
  const { id, model } = comparison;
  const select = element("select", { id: id("pair"), "aria-label": "Which difference is shown" });
  const options = model.pairs.flatMap(({ columns: [first, second] }, pair) => [
    element("option", { value: `${pair}` }, `${LETTERS[second]} − ${LETTERS[first]}`),
    element("option", { value: `${pair}-` }, `${LETTERS[first]} − ${LETTERS[second]}`),
  ]);
  select.append(...options);
  select.addEventListener("change", () =>
    comparison.choosePair(Number.parseInt(select.value, 10), select.value.endsWith("-")),
  );
  const frame = makeFrame(comparison, 0, "difference");
  const legend = element("p", { class: "difference-legend" });
  const why = element("p", { class: "why" });
  const numbers = element("div", { class: "agreement" });
  const here = element("p", { class: "here" });
  const node = element(
    "section",
    { class: "pair", "aria-labelledby": id("pair-title") },
    element(
      "header",
      { class: "column-head" },
      heading(comparison, 2, { class: "column-name", id: id("pair-title") }, element("span", {}, "Difference"), " ", select),
      element("p", { class: "details" }, "of the two maps of this word"),
    ),
    frame.node,
    element(
      "div",
      { class: "pair-text" },
      element("div", { class: "diverging" }),
      legend,
      numbers,
      why,
      here,
    ),
  );
  return { node, select, frame, legend, why, numbers, here };
}

/** @param {Comparison} comparison */
export function renderPair(comparison) {
  const { model, pair, pairPanel, state, columnsOfPair } = comparison;
  const { frame, node, select, legend, why, numbers } = pairPanel;
  select.value = `${state.pair}${state.isSwapped ? "-" : ""}`;
  const [first, second] = columnsOfPair;
  if (frame.column !== first) Object.assign(frame, { column: first, view: -1 });
  const view = model.view(state.row, first, state.view);
  showPicture(comparison, frame, view);
  const found = comparableMaps(model, pair, state.row, view, state.scale);
  node.classList.toggle("empty", found === null);
  const context = context2d(frame.canvas);
  context.clearRect(0, 0, frame.canvas.width, frame.canvas.height);
  if (found) {
    const [one, other] = state.isSwapped ? [found.maps[1], found.maps[0]] : found.maps;
    paintDifference(frame.canvas, model.columns[first].views[view], [one, other]);
  }
  legend.replaceChildren(...legendOf(comparison, found?.full ?? null));
  why.textContent = found
    ? unitText(pair.unit) + cautions(comparison)
    : missingText(comparison);
  numbers.replaceChildren(...agreementNodes(comparison, [first, second]));
}

/**
 * @param {Comparison} comparison
 * @param {number | null} full the value of full colour
 */
function legendOf(comparison, full) {
  if (full === null) return [];
  const [first, second] = comparison.lettersOfPair();
  const amount = comparison.pair.unit === "values" ? decimal(full) : percent(full);
  return [
    element("span", {}, `more in ${first} (${amount})`),
    element("span", {}, `more in ${second} (${amount})`),
  ];
}

/** @param {string} unit */
function unitText(unit) {
  return unit === "values"
    ? "Both maps have one unit, that of the method: the difference is of their values."
    : "The methods have different units. So each map's positive part is divided by its sum, and the difference is of these shares: of 100 % of a map, how much lies in a cell.";
}

/**
 * What to think of a difference: maps with next to nothing in them, and pictures that differ.
 * @param {Comparison} comparison
 */
function cautions({ columnsOfPair, model, pair, state }) {
  const faint = columnsOfPair.filter((column) => model.isFaint(state.row, column));
  const letters = faint.map((column) => LETTERS[column]).join(" and ");
  const ofFaint =
    pair.unit === "shares" && faint.length
      ? ` In ${letters} this word has next to nothing on the scale of the answer: shares of so little say little.`
      : "";
  const ofPictures = model.hasSamePictures(pair)
    ? ""
    : " The pictures differ: the same place may show something else.";
  return ofFaint + ofPictures;
}

/** @param {Comparison} comparison */
function missingText({ model, pair, state }) {
  const lacking = pair.columns.find((column) => model.word(state.row, column) === null);
  if (lacking !== undefined) {
    return `No difference: “${model.anyWord(state.row).text.trim()}” is not in the answer of ${LETTERS[lacking]}.`;
  }
  return "No difference: the pictures have other sizes, so a place in one is no place in the other.";
}

/**
 * @param {Comparison} comparison
 * @param {number[]} columns of the pair
 */
function agreementNodes({ model, pair, state }, [first, second]) {
  const agreement = pair.agreements[state.row];
  const [one, other] = [model.word(state.row, first), model.word(state.row, second)];
  const rows = agreement ? numbersOf(agreement) : [];
  if (model.hasChanges && one && other) {
    rows.push(["probability", `${percent(one.probability)} → ${percent(other.probability)}`, ""]);
  }
  if (!rows.length) return [];
  return [
    element(
      "dl",
      {},
      ...rows.map(([name, value, note]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value), note ? element("dd", { class: "note" }, note) : null),
      ),
    ),
  ];
}

/**
 * @param {AgreementData} agreement
 * @returns {[string, string, string][]}
 */
function numbersOf({ rank_correlation: correlation, top_overlap: overlap, cells }) {
  return [
    ["rank correlation", correlation === null ? "not defined" : signed(correlation), `over ${cells} cells; 0 by chance`],
    ["brightest tenth shared", overlap === null ? "not defined" : percent(overlap), "of its area; 10 % by chance"],
  ];
}

/** @param {number} value */
const signed = (value) => (Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2).replace("-", "−"));

/**
 * The mark in the difference, where the place is one of this picture.
 * @param {Comparison} comparison
 */
export function renderPairPlace(comparison) {
  const { model, pairPanel, state } = comparison;
  const { frame } = pairPanel;
  const { place } = state;
  const isHere = place !== null && model.hasSamePlaces(place.column, frame.column);
  placeMark(comparison, frame, isHere ? place : null);
  pairPanel.here.textContent = isHere ? placeText(comparison, place) : "";
}

/**
 * @param {Comparison} comparison
 * @param {{x: number, y: number}} place
 */
function placeText(comparison, place) {
  const { columnsOfPair, model, pair, pairPanel, state } = comparison;
  const { view } = pairPanel.frame;
  const found = comparableMaps(model, pair, state.row, view, state.scale);
  if (found === null) return "";
  const values = found.maps.map((map) => {
    const cell = cellAt(map, place);
    return cell === null ? Number.NaN : map.values[cell] * found.full;
  });
  const change = state.isSwapped ? values[0] - values[1] : values[1] - values[0];
  if (Number.isNaN(change)) return "here: not shown to both";
  const amount = pair.unit === "values" ? decimal(Math.abs(change)) : percent(Math.abs(change));
  const [first, second] = columnsOfPair.map((column) => LETTERS[column]);
  return `here: ${amount} more in ${change < 0 ? first : second}`;
}

/**
 * How much the columns agree over all words, pair by pair.
 * @param {Comparison} comparison
 */
export function summaryTable(comparison) {
  const { id, model } = comparison;
  const known = model.pairs.filter(({ mean }) => mean !== null);
  if (!known.length) return null;
  const title = heading(comparison, 2, { class: "section-title", id: id("agreement-title") }, "How much do the columns agree?");
  const head = ["columns", "rank correlation", "brightest tenth shared", "words"];
  return element(
    "section",
    { class: "summary", "aria-labelledby": title.id },
    title,
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Agreement of each two columns" },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
        element(
          "tbody",
          {},
          ...known.map(({ columns: [first, second], mean, words }) =>
            element(
              "tr",
              {},
              element("th", { scope: "row" }, ...nameOf(model, first), " and ", ...nameOf(model, second)),
              element("td", {}, mean?.rank_correlation == null ? "–" : signed(mean.rank_correlation)),
              element("td", {}, mean?.top_overlap == null ? "–" : percent(mean.top_overlap)),
              element("td", {}, String(words)),
            ),
          ),
        ),
      ),
    ),
    element(
      "p",
      { class: "notes" },
      "Means over all words with a letter or digit. The rank correlation (Spearman) compares the order of all cells: 1 is the same order, 0 is chance. The brightest tenth shared is the part of the brightest tenth of one map's area that is in the brightest tenth of the other's: 10 % is chance. That columns agree does not say that they are right.",
    ),
  );
}

/**
 * @param {import("./model.js").Model} model
 * @param {number} column
 */
const nameOf = ({ columns }, column) => [
  element("span", { class: "letter" }, LETTERS[column]),
  ` ${columns[column].label}`,
];
