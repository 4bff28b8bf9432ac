// The region of a word: the cells in which its map is above a part of its maximum.

/** @import {RegionData} from "../shared/regions.js" */
/** @import {Report} from "./report.js" */

/**
 * A word's region, in the view with the highest value of its map; null where its map is empty. It
 * is that of `ExplainedWord.region` in Python.
 * @param {Report} report
 * @param {number} at
 * @param {number} level in (0, 1)
 * @returns {RegionData | null}
 */
export function regionOfWord({ maps, text, views }, at, level) {
  const heights = text.unit(at).maps.map((index) => maps.all[index].high);
  const highest = Math.max(...heights);
  if (highest <= 0) return null;
  const view = heights.indexOf(highest);
  const values = maps.raw(text.unit(at).maps[view]);
  const { width, height, grid } = views.all[view];
  const across = grid.columns.length - 1;
  const inside = Array.from(values, (value) => value > level * highest);
  const rows = Array.from({ length: grid.rows.length - 1 }, (_, row) =>
    runsOf(inside.slice(row * across, (row + 1) * across)),
  );
  return {
    view,
    kind: "mask",
    points: [],
    mask: rows,
    row_edges: within(grid.rows, height),
    column_edges: within(grid.columns, width),
  };
}

/**
 * The lengths of runs of cells, outside and inside in turn; the first is outside.
 * @param {boolean[]} cells
 */
function runsOf(cells) {
  const changes = cells.flatMap((isInside, i) => (isInside === Boolean(cells[i - 1]) ? [] : [i]));
  return [...changes, cells.length].map((end, i) => end - (changes[i - 1] ?? 0));
}

/**
 * @param {number[]} edges
 * @param {number} side
 */
const within = (edges, side) => edges.map((edge) => Math.min(Math.max(edge, 0), side));
