// A region's area and outline as SVG paths, in pixels of the picture.

import { bandsOf, boundsOf, boxOfCell, cellAt, rectanglesOf } from "../shared/regions.js";

/** @import {Bounds, GriddedPicture, RegionData, XY} from "../shared/regions.js" */

/**
 * @param {RegionData} region
 * @param {GriddedPicture} picture
 * @returns {{area: string, line: string}}
 */
export function outlineOf(region, picture) {
  if (region.kind === "mask") return outlineOfMask(region);
  const line =
    region.kind === "polygon" ? closed(region.points) : rectangle(boxOf(region, picture));
  return { area: line, line };
}

/**
 * @param {RegionData} region
 * @param {GriddedPicture} picture
 */
function boxOf(region, picture) {
  const cell = region.kind === "point" ? cellAt(picture, region.points[0]) : -1;
  return cell < 0 ? boundsOf(region) : boxOfCell(picture, cell);
}

/** @param {Bounds} bounds */
const rectangle = ([left, top, right, bottom]) => `M${left} ${top}H${right}V${bottom}H${left}Z`;

/** @param {XY[]} points */
const closed = (points) => `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}Z`;

/** @param {number} x */
const round = (x) => Math.round(10 * x) / 10;

/**
 * The area as rectangles, the outline as the lines at which inside and outside meet.
 * @param {RegionData} region
 */
function outlineOfMask(region) {
  const bands = bandsOf(region);
  const lines = bands.flatMap(({ top, bottom, runs }, i) => [
    ...runs.flat().map((x) => `M${x} ${top}V${bottom}`),
    ...differences(bands[i - 1]?.runs ?? [], runs, top),
  ]);
  const last = bands[bands.length - 1];
  if (last) lines.push(...differences(last.runs, [], last.bottom));
  return { area: rectanglesOf(region).map(rectangle).join(""), line: lines.join("") };
}

/**
 * Lines where one of two neighbouring rows is inside and the other is not.
 * @param {[number, number][]} above
 * @param {[number, number][]} below
 * @param {number} y
 */
function differences(above, below, y) {
  const ends = [...above, ...below].flat().sort((a, b) => a - b);
  const pairs = Array.from({ length: ends.length / 2 }, (_, i) => [ends[2 * i], ends[2 * i + 1]]);
  return pairs.flatMap(([from, to]) => (from === to ? [] : [`M${from} ${y}H${to}`]));
}
