// Pointing at a picture: which words have evidence in that cell.

import { RESPONSE_MIN, isComparison } from "./selection.js";
import { isFolded } from "./thinking.js";

/** @import {Pane} from "./panes.js" */
/** @import {Report} from "./report.js" */
/** @import {Cell} from "./types.d.ts" */

/**
 * @param {Report} report
 * @param {Pick<Pane, "frame" | "view">} pane
 */
export function listenToPane(report, pane) {
  const { actions, regions } = report;
  pane.frame.addEventListener("pointermove", (event) =>
    actions.hoverCell(cellAt(report, pane, event)),
  );
  pane.frame.addEventListener("pointerleave", () => actions.hoverCell(null));
  pane.frame.addEventListener("click", (event) => {
    if (regions.isOn) return;
    const best = strongestWord(report, cellAt(report, pane, event));
    if (best !== null) actions.look(best);
  });
}

/**
 * The cell beneath a pointer, or null where the model was not shown the place.
 * @param {Report} report
 * @param {Pick<Pane, "frame" | "view">} pane
 * @param {PointerEvent | MouseEvent} event
 * @returns {Cell | null}
 */
function cellAt({ views }, { frame, view }, event) {
  const box = frame.getBoundingClientRect();
  const { width, height, grid } = views.all[view];
  const x = ((event.clientX - box.left) / box.width) * width;
  const y = ((event.clientY - box.top) / box.height) * height;
  const row = grid.rows.findIndex((edge) => edge > y) - 1;
  const column = grid.columns.findIndex((edge) => edge > x) - 1;
  return row < 0 || column < 0 ? null : { view, cell: row * (grid.columns.length - 1) + column };
}

/**
 * The answer's word with the most evidence in a cell, or null where none has any.
 * @param {Report} report
 * @param {Cell | null} cell
 */
function strongestWord(report, cell) {
  const { maps, state, text } = report;
  const answer = text.placesOf("answer").filter((at) => !isFolded(report, at));
  if (cell === null || !answer.length || isComparison(state)) return null;
  /** @param {number} at */
  const value = (at) => maps.valueAt(text.unit(at), cell.view, cell.cell);
  const best = answer.reduce((top, at) => (value(at) > value(top) ? at : top));
  return value(best) > RESPONSE_MIN ? best : null;
}
