// Which views are shown in which row of panes.

import { element } from "../shared/dom.js";
import { chosenView, isComparison, shownPlaces, shownView } from "./selection.js";

/** @import {Report} from "./report.js" */
/** @import {Medium, Views} from "./views.js" */

/** A word, by its place, over a view; `medium` is null where two pinned words are compared.
 * @typedef {{at: number, view: number, medium: Medium | null}} PaneContent */

const NARROWEST = 0.45; // a pane's aspect ratio; a narrower one has no room for its caption
const LARGE_PART = 0.7; // of the height, where one picture is shown large

/**
 * What is shown, row by row.
 * @param {Report} report
 * @returns {PaneContent[][]}
 */
export function arrangement(report) {
  const { state, text } = report;
  const places = shownPlaces(state);
  if (isComparison(state)) {
    const chosen = chosenView(state);
    return [places.map((at) => ({ at, view: chosen ?? text.unit(at).best, medium: null }))];
  }
  return rowsOfMedia(report, places[0]);
}

/**
 * One pane for each picture and clip; the selected one is large, above the others.
 * @param {Report} report
 * @param {number} at
 * @returns {PaneContent[][]}
 */
function rowsOfMedia(report, at) {
  const { state, text, views } = report;
  const unit = text.unit(at);
  const panes = views.media.map((medium) => ({
    at,
    medium,
    view: shownView(report, unit, medium.views),
  }));
  const large =
    panes.length > 1
      ? panes.find(({ medium }) => isSelected(medium, state.selectedView))
      : undefined;
  if (large)
    return [
      [large],
      ...inRows(
        panes.filter((pane) => pane !== large),
        4,
      ),
    ];
  return inRows(panes, panes.length === 4 ? 2 : 3);
}

/**
 * @param {Medium} medium
 * @param {number | null} view
 */
export const isSelected = (medium, view) => view !== null && medium.views.includes(view);

/**
 * Cut a list into as few rows as hold at most `most` each, all about as long.
 * @template T
 * @param {T[]} list
 * @param {number} most
 */
export function inRows(list, most) {
  const count = Math.ceil(list.length / most);
  const length = Math.ceil(list.length / count);
  return Array.from({ length: count }, (_, i) => list.slice(i * length, (i + 1) * length));
}

/**
 * Rows of panes in which all pictures are equally tall.
 * @param {PaneContent[][]} rows
 * @param {HTMLElement[]} nodes one for each pane
 * @param {Views} views
 */
export function paneRows(rows, nodes, views) {
  const heights = partsOfHeight(rows);
  let next = 0;
  return rows.map((row, r) => {
    const weights = rowWeights(row, views);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const own = weights.map((weight) => {
      const node = nodes[next];
      next += 1;
      // Weights that add up to less than one would leave a part of the row empty.
      node.style.setProperty("--weight", (10 * weight).toFixed(3));
      return node;
    });
    return element(
      "div",
      { class: "row", "--part": heights[r].toFixed(4), "--sum": sum.toFixed(4) },
      ...own,
    );
  });
}

/**
 * How wide the panes of a row are, against each other.
 * @param {PaneContent[]} row
 * @param {Views} views
 */
export const rowWeights = (row, views) =>
  row.map(({ view }) => Math.max(views.aspectRatio(view), NARROWEST));

/** @param {PaneContent[][]} rows */
function partsOfHeight(rows) {
  const isLarge = rows.length > 1 && rows[0].length === 1;
  if (!isLarge) return rows.map(() => 1 / rows.length);
  return rows.map((_, r) => (r ? (1 - LARGE_PART) / (rows.length - 1) : LARGE_PART));
}
