// Draw the state.

import { decimal } from "../shared/text.js";
import { renderDetails } from "./details.js";
import { renderFilmstrips } from "./filmstrips.js";
import { renderLayerStrip } from "./layer_strip.js";
import { renderHint } from "./hint.js";
import { clearPanes, renderPanes } from "./panes.js";
import { isComparison, shownLayer } from "./selection.js";
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
 * What follows the layer that a person looks at.
 * @param {Report} report
 */
export function renderLayer(report) {
  renderPanes(report);
  renderRange(report);
  if (report.layerStrip) renderLayerStrip(report, report.layerStrip);
}

/**
 * The ends of the colour legend: a word's joint range, or that of its layers' maps.
 * @param {Report} report
 */
function renderRange({ maps, parts, state, text }) {
  const unit = text.unit(state.current);
  const isLayer = shownLayer(state, unit) !== null;
  const low = isLayer ? 0 : unit.low;
  const high = isLayer ? maps.highestOfLayers(unit, state.layerSource) : unit.high;
  const scope = isLayer ? "all layers" : "pixels and words";
  parts.scaleNote.textContent = `weak to strong, one scale for ${scope}`;
  parts.low.textContent = isComparison(state) ? "" : decimal(low);
  parts.high.textContent = isComparison(state) ? "" : decimal(high);
}

/** @param {Report} report */
function clear(report) {
  clearPanes(report);
  report.parts.details.replaceChildren();
  report.parts.hint.replaceChildren();
}
