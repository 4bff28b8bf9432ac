// The bar beneath the picture with which regions are drawn.

import { element } from "../shared/dom.js";
import { radios } from "../shared/radios.js";
import { label } from "../shared/text.js";

/** @import {Report} from "./report.js" */
/** @import {RegionShape} from "./types.d.ts" */

/** @type {{value: RegionShape, label: string}[]} */
const SHAPES = [
  { value: "box", label: "Box" },
  { value: "lasso", label: "Lasso" },
  { value: "point", label: "Point" },
];
const HINTS = {
  box: "Drag over the picture. The words are ranked by how much of them comes from there.",
  lasso: "Draw around something. The words are ranked by how much of them comes from there.",
  point: "Choose a place. The words are ranked by how much of them comes from there.",
};
const KEYS =
  "Enter begins a box in the middle. Arrow keys move it, Shift and arrow keys change its size, Delete removes it, Escape leaves.";

/**
 * Fill the bar; it is drawn anew where the mode or the word changes.
 * @param {Report} report
 */
export function connectRegionBar(report) {
  const { parts, regions, state } = report;
  const { bar } = parts.region;
  const draw = element("button", { type: "button", class: "region-open", "aria-pressed": "false" });
  draw.append(element("i", { class: "icon", "aria-hidden": "true" }), element("span"));
  draw.addEventListener("click", () => toggleRegions(report));
  const traits = { class: "segments", role: "radiogroup", "aria-label": "Shape of the region" };
  const shapes = element("div", traits);
  const group = radios(shapes, SHAPES, regions.shape, (value) => {
    const found = SHAPES.find((one) => one.value === value);
    if (found && found.value !== regions.shape) regions.open(found.value);
  });
  const ofWord = element("button", { type: "button", class: "region-of-word" });
  ofWord.addEventListener("click", () => regions.showWord(state.current));
  const hint = element("p", { class: "region-hint" });
  const id = report.id("region-keys");
  const keys = element("p", { class: "region-hint region-keys", id }, KEYS);
  const tools = element("div", { class: "region-tools" }, draw);
  bar.append(tools);
  return { bar, tools, draw, shapes, group, ofWord, hint, keys };
}

/** @typedef {ReturnType<typeof connectRegionBar>} RegionBar */

/** @param {Report} report */
export function toggleRegions(report) {
  if (report.regions.isOn) report.regions.close();
  else openRegions(report);
}

/**
 * Begin; the keyboard goes on at the picture.
 * @param {Report} report
 */
export function openRegions({ panes, regions }) {
  regions.open();
  panes.find(({ node }) => node.isConnected)?.region.surface.focus({ preventScroll: true });
}

/** @param {Report} report */
export function renderRegionBar({ regionBar, regions, state, text }) {
  const { bar, tools, draw, shapes, ofWord, hint, keys } = regionBar;
  const { isOn, region, shape } = regions;
  draw.setAttribute("aria-pressed", String(isOn));
  const [, name] = draw.children;
  name.textContent = isOn ? "Done" : "Ask about a place";
  const piece = text.pieces[state.current];
  ofWord.textContent = piece ? `Region of “${label(piece.text)}”` : "";
  hint.textContent = HINTS[shape];
  const isWord = text.isExplained(state.current);
  // Controls that stand by are not in the page at all.
  show(tools, [draw, ...(isOn ? [shapes] : []), ...(isWord ? [ofWord] : [])]);
  show(bar, [tools, ...(isOn && !region ? [hint, keys] : isOn ? [keys] : [])]);
  keys.classList.toggle("visually-hidden", region !== null);
}

/**
 * Have some nodes in a holder; those that are there stay, with the focus that they may have.
 * @param {HTMLElement} holder
 * @param {HTMLElement[]} nodes in order
 */
function show(holder, nodes) {
  for (const child of [...holder.children])
    if (!nodes.some((node) => node === child)) child.remove();
  nodes.forEach((node, i) => {
    if (holder.children[i] !== node) holder.insertBefore(node, holder.children[i] ?? null);
  });
}
