// Regions of a picture, and how much of each cell of a grid they cover.

import { clamp } from "./text.js";

/** A place in pixels of the original picture.
 * @typedef {[number, number]} XY */

/**
 * A region of a view, as `Region.to_json()` of Python writes it. A box has two corners, a polygon
 * its corners, a point one place. A mask has none, but rows of run lengths, the first run outside;
 * its cells are the picture's pixels, or those whose edges are given.
 * @typedef {object} RegionData
 * @property {number} view
 * @property {"box" | "polygon" | "point" | "mask"} kind
 * @property {XY[]} points in pixels of the view's original picture
 * @property {number[][]} [mask]
 * @property {number[]} [row_edges]
 * @property {number[]} [column_edges]
 */

/** The edges of a grid's cells, in pixels of the picture.
 * @typedef {{rows: number[], columns: number[]}} CellEdges */

/** A picture with the grid of its maps.
 * @typedef {{width: number, height: number, grid: CellEdges}} GriddedPicture */

/** A cell, by its number row by row, and the part of it that a region covers, in (0, 1].
 * @typedef {[number, number]} CoveredCell */

/** left, top, right, bottom
 * @typedef {[number, number, number, number]} Bounds */

const LEAST_PART = 1e-9; // what rounding leaves is nothing
const LINES_PER_CELL = 32; // a polygon is measured along this many lines through each row of cells

/**
 * The cells that a region covers, at least in part; of a cell counts what lies on the picture.
 * @param {RegionData} region
 * @param {GriddedPicture} picture
 * @returns {CoveredCell[]}
 */
export function coveredCells(region, picture) {
  const grid = gridOnPicture(picture);
  const cells = new Float64Array((grid.rows.length - 1) * (grid.columns.length - 1));
  if (region.kind === "point") coverCell(cells, cellAt(picture, region.points[0]));
  else if (region.kind === "polygon") coverPolygon(cells, grid, region.points);
  else for (const rectangle of rectanglesOf(region)) coverRectangle(cells, grid, rectangle);
  /** @type {CoveredCell[]} */
  const covered = [];
  cells.forEach((part, cell) => {
    if (part > LEAST_PART) covered.push([cell, Math.min(part, 1)]);
  });
  return covered;
}

/**
 * The number of the cell that holds a place, or -1 where the grid does not reach.
 * @param {GriddedPicture} picture
 * @param {XY} xy
 */
export function cellAt({ width, height, grid }, [x, y]) {
  // A place on the picture's last edge belongs to the cell that ends there.
  const row = intervalOf(grid.rows, Math.min(y, height - 1e-6));
  const column = intervalOf(grid.columns, Math.min(x, width - 1e-6));
  return row < 0 || column < 0 ? -1 : row * (grid.columns.length - 1) + column;
}

/**
 * A cell's box, as far as it lies on the picture.
 * @param {GriddedPicture} picture
 * @param {number} cell
 * @returns {Bounds}
 */
export function boxOfCell(picture, cell) {
  const { rows, columns } = gridOnPicture(picture);
  const width = columns.length - 1;
  const [row, column] = [Math.floor(cell / width), cell % width];
  return [columns[column], rows[row], columns[column + 1], rows[row + 1]];
}

/**
 * The box around a region.
 * @param {RegionData} region
 * @returns {Bounds}
 */
export function boundsOf(region) {
  const all = region.kind === "mask" ? rectanglesOf(region) : [];
  const xs = [...region.points.map(([x]) => x), ...all.flatMap(([left, , right]) => [left, right])];
  const ys = [
    ...region.points.map(([, y]) => y),
    ...all.flatMap(([, top, , bottom]) => [top, bottom]),
  ];
  return [least(xs), least(ys), most(xs), most(ys)];
}

/**
 * The rectangles that a box or a mask is made of.
 * @param {RegionData} region
 * @returns {Bounds[]}
 */
export function rectanglesOf(region) {
  if (region.kind === "box") return [boundsOf(region)];
  return bandsOf(region).flatMap(({ top, bottom, runs }) =>
    runs.map(([from, to]) => /** @type {Bounds} */ ([from, top, to, bottom])),
  );
}

/** Rows of a mask that are alike: where they begin and end, and their runs that are inside.
 * @typedef {{top: number, bottom: number, runs: [number, number][]}} Band */

/**
 * A mask from top to bottom, in pixels of the picture; also rows that are wholly outside.
 * @param {RegionData} region
 * @returns {Band[]}
 */
export function bandsOf({ mask = [], row_edges: rowEdges, column_edges: columnEdges }) {
  /** @param {number} i */
  const x = (i) => columnEdges?.[i] ?? i;
  /** @type {Band[]} */
  const bands = [];
  let key = "";
  mask.forEach((lengths, i) => {
    const own = lengths.join();
    const [top, bottom] = [rowEdges?.[i] ?? i, rowEdges?.[i + 1] ?? i + 1];
    if (own === key && bands.length) bands[bands.length - 1].bottom = bottom;
    else bands.push({ top, bottom, runs: runsOf(lengths).map(([from, to]) => [x(from), x(to)]) });
    key = own;
  });
  return bands;
}

/**
 * A region that is moved, as far as the picture reaches.
 * @param {RegionData} region not a mask
 * @param {number} dx
 * @param {number} dy
 * @param {{width: number, height: number}} size of the picture
 * @returns {RegionData}
 */
export function movedRegion(region, dx, dy, { width, height }) {
  const [left, top, right, bottom] = boundsOf(region);
  const x = Math.min(Math.max(dx, -left), width - right);
  const y = Math.min(Math.max(dy, -top), height - bottom);
  return { ...region, points: region.points.map(([px, py]) => [px + x, py + y]) };
}

/**
 * Whether a region holds a place; a point holds none.
 * @param {RegionData} region
 * @param {XY} xy
 */
export function holds(region, [x, y]) {
  if (region.kind === "point") return false;
  if (region.kind === "polygon")
    return runsAt(region.points, y).some(([from, to]) => x >= from && x <= to);
  return rectanglesOf(region).some(
    ([left, top, right, bottom]) => x >= left && x <= right && y >= top && y <= bottom,
  );
}

/**
 * A grid as far as it lies on the picture: cells beyond its edge have no size.
 * @param {GriddedPicture} picture
 * @returns {CellEdges}
 */
function gridOnPicture({ width, height, grid }) {
  /** @param {number[]} edges @param {number} side */
  const within = (edges, side) => edges.map((edge) => Math.min(Math.max(edge, 0), side));
  return { rows: within(grid.rows, height), columns: within(grid.columns, width) };
}

/**
 * @param {Float64Array} cells
 * @param {number} cell
 */
function coverCell(cells, cell) {
  if (cell >= 0) cells[cell] = 1;
}

/**
 * @param {Float64Array} cells
 * @param {CellEdges} grid
 * @param {Bounds} bounds
 */
function coverRectangle(cells, { rows, columns }, [left, top, right, bottom]) {
  const width = columns.length - 1;
  for (let row = firstAfter(rows, top); row + 1 < rows.length && rows[row] < bottom; row += 1) {
    const down = partOf(rows[row], rows[row + 1], top, bottom);
    for (let at = firstAfter(columns, left); at < width && columns[at] < right; at += 1)
      cells[row * width + at] += down * partOf(columns[at], columns[at + 1], left, right);
  }
}

/**
 * @param {Float64Array} cells
 * @param {CellEdges} grid
 * @param {XY[]} points
 */
function coverPolygon(cells, grid, points) {
  for (let row = 0; row + 1 < grid.rows.length; row += 1) {
    const height = (grid.rows[row + 1] - grid.rows[row]) / LINES_PER_CELL;
    for (let line = 0; height > 0 && line < LINES_PER_CELL; line += 1) {
      const top = grid.rows[row] + line * height;
      for (const [from, to] of runsAt(points, top + height / 2))
        coverRectangle(cells, grid, [from, top, to, top + height]);
    }
  }
}

/**
 * Where a horizontal line is inside a polygon. Inside is what its outline goes around, in either
 * direction: a part that it goes around twice is no hole.
 * @param {XY[]} points
 * @param {number} y
 * @returns {[number, number][]}
 */
function runsAt(points, y) {
  /** @type {[number, number][]} */
  const crossings = [];
  points.forEach(([x1, y1], i) => {
    const [x2, y2] = points[(i + 1) % points.length];
    if (y1 <= y !== y2 <= y)
      crossings.push([x1 + ((y - y1) / (y2 - y1)) * (x2 - x1), y2 > y1 ? 1 : -1]);
  });
  crossings.sort(([a], [b]) => a - b);
  /** @type {[number, number][]} */
  const runs = [];
  let turns = 0;
  crossings.forEach(([x, turn], i) => {
    turns += turn;
    if (turns) runs.push([x, crossings[i + 1]?.[0] ?? x]);
  });
  return runs;
}

/**
 * The runs of a row that are inside: lengths alternate, the first is outside.
 * @param {number[]} lengths
 * @returns {[number, number][]}
 */
function runsOf(lengths) {
  /** @type {[number, number][]} */
  const runs = [];
  let x = 0;
  lengths.forEach((length, i) => {
    if (i % 2 && length) runs.push([x, x + length]);
    x += length;
  });
  return runs;
}

/**
 * The part of an interval that lies between two values.
 * @param {number} start
 * @param {number} end
 * @param {number} from
 * @param {number} to
 */
const partOf = (start, end, from, to) =>
  end > start ? clamp((Math.min(end, to) - Math.max(start, from)) / (end - start)) : 0;

/**
 * The interval between edges that holds a value, or -1.
 * @param {number[]} edges
 * @param {number} value
 */
const intervalOf = (edges, value) => edges.findIndex((edge) => edge > value) - 1;

/**
 * The first interval that ends after a value.
 * @param {number[]} edges
 * @param {number} value
 */
function firstAfter(edges, value) {
  let [low, high] = [0, edges.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle + 1] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

/** @param {number[]} values */
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
