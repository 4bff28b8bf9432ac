// Draw the state.

import { decimal } from "../shared/text.js";
import { renderDetails } from "./details.js";
import { renderFilmstrips } from "./filmstrips.js";
import { renderHint } from "./hint.js";
import { clearPanes, renderPanes } from "./panes.js";
import { isComparison } from "./selection.js";
import { renderTints } from "./tints.js";

/** @import {Report} from "./report.js" */

/** @param {Report} report */
export function render(report) {
  const { parts, state, text } = report;
  const isEmpty = !text.isExplained(state.current);
  parts.filmstrips.hidden = isEmpty;
  if (isEmpty) {
    clear(report);
    return;
  }
  renderViews(report);
  renderRange(report);
  renderDetails(report);
  renderTints(report);
  renderHint(report);
}

/**
 * Panes and filmstrips, which also follow the view that a person looks at.
 * @param {Report} report
 */
export function renderViews(report) {
  renderPanes(report);
  renderFilmstrips(report);
}

/**
 * The ends of the colour legend: a word's joint range.
 * @param {Report} report
 */
function renderRange({ parts, state, text }) {
  const { low, high } = text.unit(state.current);
  parts.low.textContent = isComparison(state) ? "" : decimal(low);
  parts.high.textContent = isComparison(state) ? "" : decimal(high);
}

/** @param {Report} report */
function clear(report) {
  clearPanes(report);
  report.parts.details.replaceChildren();
  report.parts.hint.replaceChildren();
}
