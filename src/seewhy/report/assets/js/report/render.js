// Draw the state.

import { decimal } from "../shared/text.js";
import { renderDetails } from "./details.js";
import { renderFilmstrips } from "./filmstrips.js";
import { renderLayerStrip } from "./layer_strip.js";
import { renderHint } from "./hint.js";
import { clearPanes, renderPanes } from "./panes.js";
import { renderRegionBar } from "./region_bar.js";
import { markRegionWords, renderRegionPanel } from "./region_panel.js";
import { isComparison, shownLayer } from "./selection.js";
import { renderReadout } from "./readout.js";
import { renderTints } from "./tints.js";

/** @import {Report} from "./report.js" */
/** @import {Display} from "./types.d.ts" */

const OF_LAYERS = "weak to strong, one range for all layers";
/** @type {Record<Display, string>} */
const RANGE_NOTES = {
  answer: "weak to strong, one range for all words",
  word: "weak to strong, this word’s map alone",
  joint: "weak to strong, one range with the words before",
};

/** @param {Report} report */
export function render(report) {
  const { parts, state, text } = report;
  const isEmpty = !text.isExplained(state.current);
  parts.filmstrips.hidden = parts.region.bar.hidden = isEmpty;
  if (isEmpty) {
    clear(report);
    return;
  }
  renderViews(report);
  renderRange(report);
  renderReadout(report);
  renderDetails(report);
  renderTints(report);
  renderHint(report);
  renderRegionBar(report);
  markRegionWords(report);
  report.handle.update();
}

/**
 * Panes and filmstrips, which also follow the view that a person looks at.
 * @param {Report} report
 */
export function renderViews(report) {
  renderPanes(report);
  renderFilmstrips(report);
  report.handle.overlays.place();
}

/**
 * What follows the way in which maps are drawn.
 * @param {Report} report
 */
export function renderStyle(report) {
  if (!report.text.isExplained(report.state.current)) return;
  renderViews(report);
  renderRange(report);
  renderDetails(report);
}

/**
 * What follows the layer that a person looks at.
 * @param {Report} report
 */
export function renderLayer(report) {
  renderPanes(report);
  renderRange(report);
  if (report.layerStrip) renderLayerStrip(report, report.layerStrip);
  renderRegionPanel(report);
}

/**
 * The colour legend: which display it is, and the raw values at its ends.
 * @param {Report} report
 */
function renderRange({ maps, parts, state, text }) {
  const unit = text.unit(state.current);
  const { display } = state.style;
  const isLayer = shownLayer(state, unit) !== null;
  const range = isLayer ? [0, maps.highestOfLayers(unit, state.layerSource)] : unit.ranges[display];
  parts.rangeNote.textContent = isLayer ? OF_LAYERS : RANGE_NOTES[display];
  // Two words that are not displayed in one range have no common ends.
  const isOne = !isComparison(state) || display === "answer";
  const [low, high] = range.map((end) => (isOne ? decimal(end) : ""));
  parts.low.textContent = low;
  parts.high.textContent = high && display === "answer" && !isLayer ? `${high} or more` : high;
}

/** @param {Report} report */
function clear(report) {
  clearPanes(report);
  report.parts.details.replaceChildren();
  report.parts.hint.replaceChildren();
  report.parts.readout.replaceChildren();
}
