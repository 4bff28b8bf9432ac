// Filmstrips: the steps of a clip, or all pictures beneath two pinned words, with a bar over each.

import { element } from "../shared/dom.js";
import { capitalize, label, percent } from "../shared/text.js";
import { listenToFilmstrip } from "./filmstrip_events.js";
import { filmstripReadout } from "./filmstrip_readout.js";
import { chosenView, hasLowEvidence, shownPlaces, shownView } from "./selection.js";

/** @import {UnitData} from "./payload.d.ts" */
/** @import {Report} from "./report.js" */
/** @typedef {ReturnType<typeof makeFilmstrip>} Filmstrip */
/** @typedef {ReturnType<typeof makeStep>} Step */

/**
 * A strip for each clip, and one for the pictures where there are several.
 * @param {Report} report
 * @returns {Filmstrip[]}
 */
export function makeFilmstrips(report) {
  const { clips, stills, several } = report.views;
  const ofClips = clips.map(({ name, views }) => makeFilmstrip(report, name, views, true));
  return stills.length && several
    ? [...ofClips, makeFilmstrip(report, "pictures", stills, false)]
    : ofClips;
}

/**
 * @param {Report} report
 * @param {string} name
 * @param {number[]} among the views of its steps
 * @param {boolean} clip
 */
function makeFilmstrip(report, name, among, clip) {
  const title = clip ? `${capitalize(name)}: what matters when` : "What matters where";
  const readout = element("p", { class: "readout" });
  const head = element(
    "div",
    { class: "filmstrip-head" },
    element("p", { class: "eyebrow" }, title),
    readout,
  );
  const steps = among.map((view) => makeStep(report, view));
  const list = element(
    "div",
    {
      class: "steps",
      role: "listbox",
      "aria-orientation": "horizontal",
      "aria-label": clip ? `Steps of the ${name}` : "Pictures",
    },
    ...steps.map(({ node }) => node),
  );
  const node = element("section", { class: "filmstrip", "data-clip": String(clip) }, head, list);
  const strip = { node, list, steps, readout, among, clip, drawn: "" };
  listenToFilmstrip(report, strip);
  return strip;
}

/**
 * @param {Report} report
 * @param {number} view
 */
function makeStep({ views }, view) {
  const bars = [element("i", { class: "bar-a" }), element("i", { class: "bar-b" })];
  const canvas = element("canvas", views.canvasSize(view, 120));
  const name = views.shortName(view).replace(/^picture /u, "");
  const node = element(
    "div",
    { class: "step", role: "option", tabindex: "-1", "data-view": view },
    element("span", { class: "step-bars" }, ...bars),
    canvas,
    element("span", { class: "step-name" }, name),
  );
  return { node, bars, canvas, view };
}

/** @param {Report} report */
export function renderFilmstrips(report) {
  const units = shownPlaces(report.state).map((at) => report.text.unit(at));
  for (const strip of report.filmstrips) {
    strip.node.hidden = !strip.clip && units.length < 2;
    if (!strip.node.hidden) renderFilmstrip(report, strip, units);
  }
}

/**
 * @param {Report} report
 * @param {Filmstrip} strip
 * @param {UnitData[]} units one, or two that are compared
 */
function renderFilmstrip(report, strip, units) {
  const shown = shownView(report, units[0], strip.among);
  const even = 1 / report.views.all.length;
  const top = Math.max(
    1.6 * even,
    ...units.flatMap((unit) => strip.among.map((view) => unit.shares[view])),
  );
  strip.node.classList.toggle("comparison", units.length === 2);
  strip.node.classList.toggle("low-evidence", units.every(hasLowEvidence));
  strip.list.style.setProperty("--even", (even / top).toFixed(4));
  for (const step of strip.steps) {
    drawBars(step, units, top);
    markStep(report, strip, step, units, shown);
  }
  drawThumbnails(report, strip, units, shown);
  strip.readout.replaceChildren(...filmstripReadout(report, strip, units, shown));
}

/**
 * @param {Step} step
 * @param {UnitData[]} units
 * @param {number} top the share of a bar of full height
 */
function drawBars({ bars, view }, [unit, other], top) {
  bars[0].style.setProperty("--strength", (unit.shares[view] / top).toFixed(4));
  bars[1].style.setProperty("--strength", other ? (other.shares[view] / top).toFixed(4) : "0");
}

/**
 * @param {Report} report
 * @param {Filmstrip} strip
 * @param {Step} step
 * @param {UnitData[]} units
 * @param {number} shown the view that is shown
 */
function markStep({ maps, state, views }, { among }, { node, view }, units, shown) {
  const [unit] = units;
  const two = units.length === 2;
  // The brightest step need not be the one with the tallest bar: a bar is of the whole map.
  const isBest = !two && !hasLowEvidence(unit) && view === maps.brightestView(unit, among);
  const isShown = view === shown && (!two || among.includes(chosenView(state) ?? -1));
  node.classList.toggle("best", isBest);
  node.classList.toggle("shown", isShown);
  node.setAttribute("aria-selected", String(view === state.selectedView));
  node.tabIndex = view === shown ? 0 : -1;
  const shares = units
    .map((one) => `${two ? `${label(one.text)} ` : ""}${percent(one.shares[view])}`)
    .join(", ");
  const name = views.all[view].name;
  node.setAttribute(
    "aria-label",
    `${name}: ${shares} of the evidence${isBest ? ", the brightest" : ""}`,
  );
  node.title = `${capitalize(name)}: ${shares} of the evidence`;
}

/**
 * Draw the thumbnails where the word or the style has changed.
 * @param {Report} report
 * @param {Filmstrip} strip
 * @param {UnitData[]} units
 * @param {number} shown
 */
function drawThumbnails({ maps, painter, state, text }, strip, units, shown) {
  const key = JSON.stringify([text.segmentation, shownPlaces(state), state.style]);
  if (strip.drawn === key) return;
  strip.drawn = key;
  for (const { canvas, view } of strip.steps) {
    const map = units.length === 2 ? null : maps.display(units[0], view, state.style.display);
    painter.thumbnail(canvas, view, map, state.style);
  }
  scrollTo(strip.list, strip.steps[strip.among.indexOf(shown)].node);
}

/**
 * Bring a step into the visible part of a long strip.
 * @param {HTMLElement} list
 * @param {HTMLElement} step
 */
function scrollTo(list, step) {
  const left = step.offsetLeft - list.offsetLeft;
  const right = left + step.offsetWidth;
  const isVisible = left >= list.scrollLeft && right <= list.scrollLeft + list.clientWidth;
  if (!isVisible) list.scrollLeft = (left + right - list.clientWidth) / 2;
}
