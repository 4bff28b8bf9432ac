// Drawing a region by keyboard: arrows move it, with Shift they change its size.

import { hasModifier } from "../shared/dom.js";
import { boundsOf, boxOfCell, cellAt, movedRegion } from "../shared/regions.js";
import { corners } from "./region_pointer.js";

/** @import {PictureData} from "./payload.d.ts" */
/** @import {RegionData, XY} from "../shared/regions.js" */
/** @import {RegionLayer} from "./region_marks.js" */
/** @import {Report} from "./report.js" */

const STEPS = 50; // along the longer side of the picture
const FIRST_SIZE = 0.3; // of the picture's sides

/** @type {Record<string, XY>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {Report} report
 * @param {RegionLayer} layer
 */
export function listenToRegionKeys(report, { surface, shown }) {
  const { regions, views } = report;
  surface.addEventListener("keydown", (event) => {
    if (hasModifier(event)) return;
    const next = regionAfterKey(report, event, shown.view, views.all[shown.view]);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (next === "back") regions.back();
    else regions.set(next);
  });
}

/**
 * What a key makes of the region; undefined where the key is not one of the region's.
 * @param {Report} report
 * @param {KeyboardEvent} event
 * @param {number} view
 * @param {PictureData} picture
 * @returns {RegionData | null | "back" | undefined}
 */
function regionAfterKey({ regions }, { key, shiftKey }, view, picture) {
  const region = regions.region?.view === view ? regions.region : null;
  if (key === "Escape") return "back";
  if (key === "Delete" || key === "Backspace") return null;
  const direction = DIRECTIONS[key];
  const isStart = key === "Enter" || key === " ";
  if (!direction && !isStart) return undefined;
  if (!region || isStart) return region ?? firstRegion(regions.shape, view, picture);
  return shiftKey ? resized(region, direction, picture) : moved(region, direction, picture);
}

/**
 * A box, or a point, in the middle of the picture.
 * @param {string} shape
 * @param {number} view
 * @param {PictureData} picture
 * @returns {RegionData}
 */
function firstRegion(shape, view, { width, height }) {
  if (shape === "point") return { view, kind: "point", points: [[width / 2, height / 2]] };
  const [x, y] = [(width * FIRST_SIZE) / 2, (height * FIRST_SIZE) / 2];
  return {
    view,
    kind: "box",
    points: corners([width / 2 - x, height / 2 - y], [width / 2 + x, height / 2 + y]),
  };
}

/**
 * A point goes to the next cell; anything else goes a step, a mask as the box around it.
 * @param {RegionData} region
 * @param {XY} direction
 * @param {PictureData} picture
 * @returns {RegionData}
 */
function moved(region, [right, down], picture) {
  if (region.kind === "point") return movedPoint(region, [right, down], picture);
  const step = stepOf(picture);
  return movedRegion(drawable(region), right * step, down * step, picture);
}

/**
 * @param {RegionData} region
 * @param {XY} direction
 * @param {PictureData} picture
 * @returns {RegionData}
 */
function movedPoint(region, [right, down], picture) {
  const { grid } = picture;
  const cell = cellAt(picture, region.points[0]);
  const width = grid.columns.length - 1;
  const [row, column] = [Math.floor(cell / width) + down, (cell % width) + right];
  if (row < 0 || column < 0 || row >= grid.rows.length - 1 || column >= width) return region;
  const [x1, y1, x2, y2] = boxOfCell(picture, row * width + column);
  return { ...region, points: [[(x1 + x2) / 2, (y1 + y2) / 2]] };
}

/**
 * The right or the lower edge goes a step; anything but a box becomes the box around it first.
 * @param {RegionData} region
 * @param {XY} direction
 * @param {PictureData} picture
 * @returns {RegionData}
 */
function resized(region, [right, down], picture) {
  const step = stepOf(picture);
  const [x1, y1, x2, y2] = boundsOf(region);
  /** @param {number} at @param {number} least @param {number} most */
  const within = (at, least, most) => Math.min(Math.max(at, least), most);
  const x = within(x2 + right * step, Math.min(x1 + step, picture.width), picture.width);
  const y = within(y2 + down * step, Math.min(y1 + step, picture.height), picture.height);
  return { view: region.view, kind: "box", points: corners([x1, y1], [x, y]) };
}

/** @param {PictureData} picture */
const stepOf = ({ width, height }) => Math.max(width, height) / STEPS;

/**
 * @param {RegionData} region
 * @returns {RegionData}
 */
function drawable(region) {
  if (region.kind !== "mask") return region;
  const [x1, y1, x2, y2] = boundsOf(region);
  return { view: region.view, kind: "box", points: corners([x1, y1], [x2, y2]) };
}
