// A word layer by layer: bars of what could be read and what was taken, a slider, and the heads.

import { closest, element } from "../shared/dom.js";
import { radios } from "../shared/radios.js";
import { decimal, percent } from "../shared/text.js";
import { headCells, sum } from "./layer_heads.js";

/** @import {Report} from "./report.js" */
/** @import {LayerSource} from "./types.d.ts" */
/** @import {UnitData} from "./payload.d.ts" */

/**
 * @typedef {object} LayerStrip
 * @property {HTMLElement} node
 * @property {UnitData} unit
 * @property {HTMLElement[]} columns one for each layer
 * @property {HTMLInputElement} slider
 * @property {HTMLButtonElement} close
 * @property {HTMLElement} readout
 * @property {HTMLElement} heads
 */

/** @type {{value: LayerSource, label: string}[]} */
const SOURCES = [
  { value: "lens", label: "what could be read there" },
  { value: "taken", label: "what was taken there" },
];
/** Keys that move a slider; the first one opens it where it stands. */
const SLIDER_KEYS = [
  ...["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
  ...["Home", "End", "PageUp", "PageDown", "Enter", " "],
];

/**
 * The strip of a unit that has layers.
 * @param {Report} report
 * @param {UnitData} unit
 * @returns {LayerStrip}
 */
export function makeLayerStrip(report, unit) {
  const { id } = report;
  const [chart, controls] = [layerChart(unit), stripControls(report, unit)];
  const readout = element("p", { class: "layer-readout", id: id("layer-readout") });
  const heads = element("div", { class: "heads", id: id("heads") });
  const title = element("h3", { class: "eyebrow" }, "Layer by layer");
  const node = element(
    "section",
    { class: "block layers", id: id("layers"), "--layers": unit.layers.length },
    element("div", { class: "layers-head" }, title, controls.close),
    sourceToggle(report),
    chart.node,
    controls.slider,
    chart.ends,
    readout,
    heads,
  );
  const strip = { node, unit, columns: chart.columns, ...controls, readout, heads };
  listenToColumns(report, chart.node);
  listenToControls(report, strip);
  renderLayerStrip(report, strip);
  return strip;
}

/**
 * @param {Report} report
 * @param {UnitData} unit
 */
function stripControls({ id }, unit) {
  const slider = element("input", {
    type: "range",
    class: "layer-slider",
    id: id("layer"),
    min: 1,
    max: unit.layers.length,
    step: 1,
    "aria-label": "Layer",
  });
  const close = element(
    "button",
    { type: "button", class: "layer-close", id: id("layer-close"), title: "Close (Esc)" },
    "Close",
  );
  return { slider, close };
}

/**
 * Show the layer that is looked at in a strip.
 * @param {Report} report
 * @param {LayerStrip} strip
 */
export function renderLayerStrip({ state, views }, strip) {
  const { node, unit, columns, slider, close, readout, heads } = strip;
  const { layer, layerSource } = state;
  const { name } = views.subject;
  node.dataset.source = layerSource;
  node.classList.toggle("open", layer !== null);
  columns.forEach((column, i) => column.classList.toggle("shown", i === layer));
  slider.value = String((layer ?? unit.layers.length - 1) + 1);
  slider.setAttribute("aria-valuetext", spokenLayer(unit, layer, name));
  close.hidden = layer === null;
  readout.replaceChildren(...layerText(unit, layer, name));
  heads.hidden = layer === null;
  heads.replaceChildren(...(layer === null ? [] : headCells(unit, layer, name)));
}

/** @param {Report} report */
function sourceToggle({ actions, id, state }) {
  const holder = element("div", {
    class: "segments",
    role: "radiogroup",
    "aria-label": "What the layer's map shows",
    id: id("layer-source"),
  });
  radios(holder, SOURCES, state.layerSource, (value) => {
    const found = SOURCES.find((one) => one.value === value);
    if (found) actions.setLayerSource(found.value);
  });
  return holder;
}

/**
 * A column for each layer: upwards the probability, downwards what was taken from the picture.
 * @param {UnitData} unit
 */
function layerChart({ layers }) {
  const taken = layers.map(({ picture }) => sum(picture));
  const most = Math.max(...taken) || 1;
  const columns = layers.map(({ probability }, i) =>
    element(
      "div",
      { class: "layer-column", "data-layer": i },
      element("i", { class: "read", "--strength": probability }),
      element("i", { class: "taken", "--strength": taken[i] / most }),
    ),
  );
  const node = element("div", { class: "layer-chart", "aria-hidden": "true" }, ...columns);
  const ends = element(
    "p",
    { class: "layer-ends", "aria-hidden": "true" },
    element("span", {}, "first layer"),
    element("span", {}, "last layer"),
  );
  return { node, columns, ends };
}

/**
 * A column that is pressed, or dragged over, shows its layer.
 * @param {Report} report
 * @param {HTMLElement} chart
 */
function listenToColumns({ actions }, chart) {
  const point = (/** @type {PointerEvent} */ event) => {
    const layer = Number(closest(event, ".layer-column")?.dataset.layer ?? -1);
    if (layer >= 0) actions.showLayer(layer);
  };
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("pointermove", (event) => {
    if (event.buttons) point(event);
  });
}

/**
 * The slider shows a layer; Escape and the button show the word's own map again.
 * @param {Report} report
 * @param {LayerStrip} strip
 */
function listenToControls({ actions, state }, { node, slider, close }) {
  const show = () => actions.showLayer(Number(slider.value) - 1);
  const hide = () => {
    actions.showLayer(null);
    slider.focus({ preventScroll: true });
  };
  slider.addEventListener("input", show);
  slider.addEventListener("click", show);
  slider.addEventListener("keydown", (event) => {
    if (state.layer !== null || !SLIDER_KEYS.includes(event.key)) return;
    event.preventDefault();
    show();
  });
  close.addEventListener("click", hide);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || state.layer === null) return;
    event.stopPropagation();
    hide();
  });
}

/**
 * What a screen reader is told of the slider.
 * @param {UnitData} unit
 * @param {number | null} layer
 * @param {string} name of all that was shown
 */
function spokenLayer({ layers }, layer, name) {
  if (layer === null) return "no layer, the word's own map";
  const { probability, picture } = layers[layer];
  const taken = `${decimal(sum(picture))} taken from ${name}`;
  return `layer ${layer + 1} of ${layers.length}, probability ${percent(probability)}, ${taken}`;
}

/**
 * The layer's numbers as a sentence, or what the slider is for.
 * @param {UnitData} unit
 * @param {number | null} layer
 * @param {string} name of all that was shown
 */
function layerText({ layers }, layer, name) {
  if (layer === null) return [`Move the slider to lay a layer’s map over ${name}.`];
  const { probability, rank, picture, text, feed_forward: other } = layers[layer];
  return [
    element("b", {}, `Layer ${layer + 1} of ${layers.length}.`),
    ` Read out here, its probability is ${percent(probability)}, rank ${rank + 1}.`,
    ` Taken here, in logits: ${signed(sum(picture))} from ${name},`,
    ` ${signed(sum(text))} from words, ${signed(other)} in the layer’s other parts.`,
  ];
}

/** @param {number} x */
const signed = (x) => decimal(x).replace("-", "−");
