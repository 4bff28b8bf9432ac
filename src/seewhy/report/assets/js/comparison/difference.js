// The difference of two columns' maps: drawn over the picture, and in numbers.

import { context2d } from "../shared/dom.js";
import { axis, valueAt } from "../shared/interpolation.js";
import { clamp } from "../shared/text.js";

/** @import {DisplayMap} from "../shared/interpolation.js" */
/** @import {Model} from "./model.js" */
/** @import {ComparedPairData} from "./payload.d.ts" */
/** @import {Scale} from "./types.d.ts" */

/** Less than zero: blue; more: orange. Clear at zero. */
const [BELOW, ABOVE] = [[44, 107, 196], [232, 119, 17]];
const OPACITY = 0.9;

/**
 * Two maps of a row whose values can be subtracted, on a scale on which 1 is full colour; null where
 * one column lacks the word or their pictures have other sizes. The maps are on their own grids.
 * @param {Model} model
 * @param {ComparedPairData} pair
 * @param {number} row
 * @param {number} view
 * @param {Scale} scale
 * @returns {{maps: [DisplayMap, DisplayMap], full: number} | null} `full` is the value of full
 * colour: raw, or as a share of the map in one cell of the first column
 */
export function comparableMaps(model, pair, row, view, scale) {
  const [first, second] = pair.columns;
  if (!pair.same_places || !model.word(row, first) || !model.word(row, second)) return null;
  if (pair.unit === "values") {
    const [low, high] = model.range(row, first, scale);
    const full = Math.max(high - low, 1e-12);
    return { maps: [valuesOf(model, row, first, view, full), valuesOf(model, row, second, view, full)], full };
  }
  const reference = cellArea(model, first, view);
  const maps = [sharesOf(model, row, first, view, reference), sharesOf(model, row, second, view, reference)];
  const full = Math.max(1e-12, ...maps.map(({ values }) => values.reduce((a, b) => Math.max(a, b), 0)));
  const [one, other] = maps.map((map) => ({ ...map, values: map.values.map((v) => v / full) }));
  return { maps: [one, other], full };
}

/**
 * @param {Model} model
 * @param {number} row
 * @param {number} column
 * @param {number} view
 * @param {number} full
 * @returns {DisplayMap}
 */
function valuesOf(model, row, column, view, full) {
  const map = rawMap(model, row, column, view);
  return { ...map, values: map.values.map((value) => value / full) };
}

/**
 * The positive part of a map divided by its sum over all views, as the share of one cell of the
 * reference's size.
 * @param {Model} model
 * @param {number} row
 * @param {number} column
 * @param {number} view
 * @param {number} reference area of a cell
 * @returns {DisplayMap}
 */
function sharesOf(model, row, column, view, reference) {
  const map = rawMap(model, row, column, view);
  const total = model.word(row, column)?.total || 1;
  const part = reference / cellArea(model, column, view) / total;
  return { ...map, values: map.values.map((value) => Math.max(value, 0) * part) };
}

/**
 * @param {Model} model
 * @param {number} row
 * @param {number} column
 * @param {number} view
 * @returns {DisplayMap}
 */
function rawMap(model, row, column, view) {
  const index = model.word(row, column)?.maps[view] ?? 0;
  const { height, width } = model.maps.all[index];
  const { rows, columns } = model.columns[column].views[view].grid;
  return { values: model.maps.raw(index), height, width, rows, columns };
}

/**
 * @param {Model} model
 * @param {number} column
 * @param {number} view
 */
function cellArea(model, column, view) {
  const { rows, columns } = model.columns[column].views[view].grid;
  const area = (rows[rows.length - 1] - rows[0]) * (columns[columns.length - 1] - columns[0]);
  return area / ((rows.length - 1) * (columns.length - 1));
}

/**
 * Draw the second map less the first.
 * @param {HTMLCanvasElement} canvas
 * @param {{width: number, height: number}} picture
 * @param {[DisplayMap, DisplayMap]} maps
 */
export function paintDifference(canvas, picture, [first, second]) {
  const { width, height } = canvas;
  const image = new ImageData(width, height);
  const [a, b] = [first, second].map((map) => ({
    map,
    down: axis(map.rows, picture.height, height),
    across: axis(map.columns, picture.width, width),
  }));
  for (let y = 0, at = 0; y < height; y += 1) {
    const isRow = a.down.inside[y] && b.down.inside[y];
    for (let x = 0; x < width; x += 1, at += 4) {
      if (!isRow || !a.across.inside[x] || !b.across.inside[x]) continue;
      const change = valueAt(b.map, b.down, b.across, y, x) - valueAt(a.map, a.down, a.across, y, x);
      const colour = change < 0 ? BELOW : ABOVE;
      image.data[at] = colour[0];
      image.data[at + 1] = colour[1];
      image.data[at + 2] = colour[2];
      image.data[at + 3] = 255 * OPACITY * clamp(Math.abs(change));
    }
  }
  context2d(canvas).putImageData(image, 0, 0);
}
