// The region over the pictures: its outline, its corners, and the surface that takes pointers.

import { element } from "../shared/dom.js";
import { boundsOf } from "../shared/regions.js";
import { svgElement } from "../shared/svg.js";
import { listenToRegionKeys } from "./region_keys.js";
import { outlineOf } from "./region_outline.js";
import { listenToRegionPointer } from "./region_pointer.js";

/** @import {RegionData} from "../shared/regions.js" */
/** @import {Report} from "./report.js" */
/** @typedef {ReturnType<typeof regionLayer>} RegionLayer */

const CORNERS = ["nw", "ne", "sw", "se"];
let layers = 0;

/**
 * The layer of a pane.
 * @param {Report} report
 * @param {{view: number}} shown the pane, whose view changes
 */
export function regionLayer(report, shown) {
  const [area, halo, line] = ["area", "halo", "line"].map((kind) =>
    svgElement("path", { class: `region-${kind}` }),
  );
  const id = report.id(`region-mask-${(layers += 1)}`);
  const all = { width: "100%", height: "100%" };
  const mask = svgElement("mask", { id }, svgElement("rect", { ...all, fill: "#fff" }), area);
  const outside = svgElement("rect", { ...all, class: "region-outside", mask: `url(#${id})` });
  const drawing = svgElement(
    "svg",
    { class: "region-drawing", preserveAspectRatio: "none", "aria-hidden": "true" },
    mask,
    outside,
    halo,
    line,
  );
  const hidden = { "aria-hidden": "true" };
  const handles = CORNERS.map((corner) =>
    element("i", { class: `region-handle ${corner}`, "data-corner": corner, ...hidden }),
  );
  const surface = element(
    "div",
    { class: "region-surface", role: "application", "aria-roledescription": "region" },
    ...handles,
  );
  /** @type {(event: PointerEvent) => void} */
  const begin = () => {};
  const layer = { drawing, area, lines: [halo, line], handles, surface, shown, begin };
  listenToRegionPointer(report, layer);
  listenToRegionKeys(report, layer);
  return layer;
}

/** @param {Report} report */
export function renderRegionMarks(report) {
  for (const pane of report.panes) showRegion(report, pane.region);
}

/**
 * Draw the region in a pane, if the pane shows its view.
 * @param {Report} report
 * @param {RegionLayer} layer
 */
export function showRegion(report, layer) {
  const { regions, views } = report;
  const { drawing, surface, shown } = layer;
  surface.hidden = !regions.isOn;
  surface.parentElement?.classList.toggle("bare", regions.isBare);
  const region = regions.region?.view === shown.view ? regions.region : null;
  drawing.toggleAttribute("hidden", !region);
  for (const handle of layer.handles) handle.hidden = region?.kind !== "box";
  if (shown.view < 0) return;
  surface.tabIndex = regions.isOn ? 0 : -1;
  surface.setAttribute("aria-label", surfaceLabel(report, shown.view, region));
  surface.setAttribute("aria-describedby", report.id("region-keys"));
  if (region) drawRegion(layer, region, views.all[shown.view]);
}

/**
 * @param {RegionLayer} layer
 * @param {RegionData} region
 * @param {import("./payload.d.ts").PictureData} picture
 */
function drawRegion({ drawing, area, lines, handles }, region, picture) {
  const { width, height } = picture;
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const outline = outlineOf(region, picture);
  area.setAttribute("d", outline.area);
  for (const path of lines) path.setAttribute("d", outline.line);
  if (region.kind !== "box") return;
  const [left, top, right, bottom] = boundsOf(region);
  handles.forEach((handle, i) => {
    handle.style.left = `${(100 * (i % 2 ? right : left)) / width}%`;
    handle.style.top = `${(100 * (i < 2 ? top : bottom)) / height}%`;
  });
}

/**
 * @param {Report} report
 * @param {number} view
 * @param {RegionData | null} region
 */
function surfaceLabel({ views }, view, region) {
  const where = views.several ? ` on ${views.nameInText(view)}` : " on the picture";
  return region ? `Region${where}: ${describeRegion(region)}` : `Region${where}: none yet`;
}

/**
 * A region in words: what it is, and where.
 * @param {RegionData} region
 */
export function describeRegion(region) {
  const [left, top, right, bottom] = boundsOf(region).map(Math.round);
  if (region.kind === "point") return `the place at ${left}, ${top} px`;
  const names = { box: "box", polygon: "outline within", mask: "cells within", point: "" };
  return `${names[region.kind]} ${left}, ${top} to ${right}, ${bottom} px`;
}
