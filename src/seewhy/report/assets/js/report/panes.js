// The panes: large pictures with the map of the word that is looked at.

import { context2d, element } from "../shared/dom.js";
import { capitalize, clamp } from "../shared/text.js";
import { changedBoxes } from "./change_marks.js";
import { locationMarks } from "./location_marks.js";
import { paneCaption } from "./pane_caption.js";
import { listenToPane } from "./pane_pointer.js";
import { arrangement, paneRows, rowWeights } from "./pane_rows.js";
import { regionLayer, showRegion } from "./region_marks.js";
import { listenToDragging } from "./region_pointer.js";
import { LOW_EVIDENCE, hasLowEvidence, isComparison, shownLayer } from "./selection.js";

/** @import {DisplayMap} from "../shared/interpolation.js" */
/** @import {PaneContent} from "./pane_rows.js" */
/** @import {UnitData} from "./payload.d.ts" */
/** @import {Report} from "./report.js" */
/** @typedef {ReturnType<typeof makePane>} Pane */

const TRANSITION_MS = 170;

/**
 * @param {Report} report
 */
function makePane(report) {
  const image = element("img", { draggable: "false", decoding: "sync" });
  const canvas = element("canvas");
  const peak = element("i", { class: "peak" });
  const badge = element("span", { class: "layer-badge" });
  const boxes = element("div", { class: "changed-boxes", "aria-hidden": "true" });
  const located = element("div", { class: "locations-drawn", "aria-hidden": "true" });
  const shown = { view: -1 };
  const region = regionLayer(report, shown);
  const over = [image, canvas, boxes, located, peak, region.drawing, badge, region.surface];
  const frame = element("div", { class: "picture-frame" }, ...over);
  const caption = element("figcaption");
  const pane = {
    node: element("figure", { class: "pane" }, frame, caption),
    frame,
    image,
    peak,
    badge,
    boxes,
    located,
    region,
    caption,
    context: context2d(canvas),
    unit: /** @type {UnitData | null} */ (null),
    view: -1,
    layer: /** @type {number | null} */ (null),
    values: new Float32Array(),
    animation: 0,
  };
  listenToPane(report, pane);
  listenToDragging(report, frame, region);
  return pane;
}

/** @param {Report} report */
export function renderPanes(report) {
  const rows = arrangement(report);
  placePanes(report, rows);
  const contents = rows.flat();
  contents.forEach((content, i) => showInPane(report, report.panes[i], content, contents.length));
}

/** @param {Report} report */
export function clearPanes({ parts, panes }) {
  for (const pane of panes) cancelAnimationFrame(pane.animation);
  parts.panes.replaceChildren();
  delete parts.panes.dataset.key;
}

/**
 * Put panes into rows, where the rows have changed.
 * @param {Report} report
 * @param {PaneContent[][]} rows
 */
function placePanes(report, rows) {
  const { panes, parts, views } = report;
  const count = rows.flat().length;
  while (panes.length < count) panes.push(makePane(report));
  const key = JSON.stringify(rows.map((row) => rowWeights(row, views)));
  if (parts.panes.dataset.key === key) return;
  parts.panes.dataset.key = key;
  parts.panes.replaceChildren(
    ...paneRows(
      rows,
      panes.map(({ node }) => node),
      views,
    ),
  );
}

/**
 * @param {Report} report
 * @param {Pane} pane
 * @param {PaneContent} content
 * @param {number} count of panes that are shown
 */
function showInPane(report, pane, content, count) {
  const { maps, state, text } = report;
  const unit = text.unit(content.at);
  const isNewView = pane.view !== content.view;
  if (isNewView) showPicture(report, pane, content.view);
  resizeCanvas(report, pane, content.view, count);
  showPeak(report, pane, unit, content.view);
  pane.boxes.replaceChildren(...changedBoxes(report, content));
  pane.located.replaceChildren(...locationMarks(report, content));
  showCaption(report, pane, content);
  markPane(report, pane, content);
  const layer = shownLayer(state, unit);
  showBadge(report, pane, layer);
  const isNewMap = pane.unit !== unit || pane.layer !== layer;
  Object.assign(pane, { unit, layer, view: content.view });
  pane.region.shown.view = content.view;
  showRegion(report, pane.region);
  const map =
    layer === null
      ? maps.display(unit, content.view, state.style.display)
      : maps.displayAtLayer(unit, state.layerSource, layer, content.view);
  showMap(report, pane, map, isNewMap && !isNewView);
}

/**
 * @param {Report} report
 * @param {Pane} pane
 * @param {number} view
 */
function showPicture({ views }, { image, frame }, view) {
  image.src = views.all[view].source;
  image.alt = views.several
    ? `${capitalize(views.nameInText(view))}, as the model was shown it`
    : "The picture that the model was shown";
  frame.style.setProperty("--ratio", String(views.aspectRatio(view)));
}

/**
 * @param {Report} report
 * @param {Pane} pane
 * @param {number} view
 * @param {number} count
 */
function resizeCanvas({ views }, { context }, view, count) {
  const ofOne = Math.min(640, Math.max(480, views.all[view].width));
  const side = count <= 1 ? ofOne : count <= 4 ? 560 : 360;
  const { canvas } = context;
  const { width, height } = views.canvasSize(view, side);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

/**
 * @param {Report} report
 * @param {Pane} pane
 * @param {UnitData} unit
 * @param {number} view
 */
function showPeak({ maps, state, views }, { peak }, unit, view) {
  const [x, y] = unit.peaks[view] ?? [0, 0];
  const isShown =
    unit.peaks[view] &&
    shownLayer(state, unit) === null &&
    maps.peakValue(unit, view, state.style.display) >= LOW_EVIDENCE &&
    state.style.mode !== "picture";
  peak.style.left = `${(100 * x) / views.all[view].width}%`;
  peak.style.top = `${(100 * y) / views.all[view].height}%`;
  peak.style.opacity = isShown ? "1" : "0";
}

/**
 * Which layer's map it is, where it is not the word's own.
 * @param {Report} report
 * @param {Pane} pane
 * @param {number | null} layer
 */
function showBadge({ state }, { badge }, layer) {
  badge.hidden = layer === null;
  if (layer === null) return;
  const what = state.layerSource === "lens" ? "could be read" : "was taken";
  badge.textContent = `Layer ${layer + 1}: what ${what} there`;
}

/**
 * @param {Report} report
 * @param {Pane} pane
 * @param {PaneContent} content
 */
function showCaption(report, { caption }, content) {
  const hadFocus = caption.matches(":focus-within");
  caption.replaceChildren(...paneCaption(report, content));
  if (hadFocus) caption.querySelector("button")?.focus();
  caption.hidden = content.medium !== null && report.views.media.length === 1;
}

/**
 * Mark the pinned words, and of several pictures the one in which the word is brightest.
 * @param {Report} report
 * @param {Pane} pane
 * @param {PaneContent} content
 */
function markPane({ state, text, views }, { node }, { at, medium }) {
  const unit = text.unit(at);
  const [first, second] = isComparison(state) ? state.pins : [];
  const isBest = medium !== null && views.media.length > 1 && medium.views.includes(unit.best);
  node.classList.toggle("pin-a", at === first);
  node.classList.toggle("pin-b", at === second);
  node.classList.toggle("best", isBest && !hasLowEvidence(unit));
}

/**
 * Draw a map; a new word's values, or a new layer's, change gradually from those that were there.
 * @param {Report} report
 * @param {Pane} pane
 * @param {DisplayMap} map
 * @param {boolean} isNewMap
 */
function showMap(report, pane, map, isNewMap) {
  const isGradual = isNewMap && pane.values.length === map.values.length && !prefersNoMotion();
  const from = isGradual ? pane.values.slice() : map.values;
  const start = performance.now();
  /** @param {number} now */
  const step = (now) => {
    const t = isGradual ? clamp((now - start) / TRANSITION_MS) : 1;
    const eased = 1 - (1 - t) ** 3;
    pane.values = map.values.map((v, i) => from[i] + (v - from[i]) * eased);
    drawMap(report, pane, { ...map, values: pane.values });
    if (t < 1) pane.animation = requestAnimationFrame(step);
  };
  cancelAnimationFrame(pane.animation);
  step(start);
}

/**
 * @param {Report} report
 * @param {Pane} pane
 * @param {DisplayMap} map
 */
function drawMap({ painter, state }, { context, view }, map) {
  const { canvas } = context;
  if (state.style.mode === "picture") context.clearRect(0, 0, canvas.width, canvas.height);
  else context.putImageData(painter.overlay(canvas, view, map, state.style), 0, 0);
}

const prefersNoMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
