// Linear interpolation of a map between the centres of its cells.

import { clamp } from "./text.js";

/**
 * A map to draw: values in [0, 1] row by row, and the edges of its cells in pixels of the picture.
 * @typedef {object} DisplayMap
 * @property {Float32Array} values
 * @property {number} height
 * @property {number} width
 * @property {number[]} rows
 * @property {number[]} columns
 */

/**
 * For each pixel of one axis the cell whose centre is before it, the share of the next cell, and
 * whether the pixel is on the grid at all.
 * @typedef {{cell: Int32Array, share: Float32Array, inside: Uint8Array}} Axis
 */

/**
 * @param {number[]} edges of the cells
 * @param {number} size of the picture, in the unit of the edges
 * @param {number} count of pixels over the picture
 * @returns {Axis}
 */
export function axis(edges, size, count) {
  const cells = edges.length - 1;
  const centres = Array.from({ length: cells }, (_, i) => (edges[i] + edges[i + 1]) / 2);
  const cell = new Int32Array(count);
  const share = new Float32Array(count);
  const inside = new Uint8Array(count);
  let next = 1;
  for (let p = 0; p < count; p += 1) {
    const x = ((p + 0.5) / count) * size;
    while (next < cells - 1 && centres[next] < x) next += 1;
    cell[p] = Math.max(next - 1, 0);
    if (cells > 1) share[p] = clamp((x - centres[next - 1]) / (centres[next] - centres[next - 1]));
    inside[p] = x >= edges[0] && x < edges[cells] ? 1 : 0;
  }
  return { cell, share, inside };
}

/**
 * A map's values along one line of pixels, at the centre of each column of cells, and the last one
 * once more.
 * @param {DisplayMap} map
 * @param {Axis} down
 * @param {number} y
 */
export function lineAt({ values, height, width }, down, y) {
  const share = down.share[y];
  const above = down.cell[y] * width;
  const below = above + (height > 1 ? width : 0);
  const line = new Float32Array(width + 1);
  for (let x = 0; x < width; x += 1)
    line[x] = values[above + x] * (1 - share) + values[below + x] * share;
  line[width] = line[width - 1];
  return line;
}

/**
 * A map's value at a pixel.
 * @param {DisplayMap} map
 * @param {Axis} down
 * @param {Axis} across
 * @param {number} y
 * @param {number} x
 */
export function valueAt(map, down, across, y, x) {
  const [dy, dx] = [down.share[y], across.share[x]];
  const top = down.cell[y] * map.width + across.cell[x];
  const bottom = top + (map.height > 1 ? map.width : 0);
  const right = map.width > 1 ? 1 : 0;
  const above = map.values[top] * (1 - dx) + map.values[top + right] * dx;
  const below = map.values[bottom] * (1 - dx) + map.values[bottom + right] * dx;
  return above * (1 - dy) + below * dy;
}
