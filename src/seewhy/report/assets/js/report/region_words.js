// How much of each word of the answer comes from a region, by the maps.

import { boxOfCell, coveredCells } from "../shared/regions.js";

/** @import {CoveredCell, RegionData} from "../shared/regions.js" */
/** @import {Maps} from "./maps.js" */
/** @import {UnitData} from "./payload.d.ts" */
/** @import {Report} from "./report.js" */

/**
 * A word's part in a region: `share` is the part of its map, over all views, that lies inside,
 * `amount` that part times how much of the word came from the picture, where it is measured. Both
 * are in [0, 1].
 * @typedef {{at: number, share: number, amount: number}} WordShare
 */

/**
 * The words of the answer, or its tokens, best first.
 * @param {Report} report
 * @param {RegionData} region
 * @returns {WordShare[]}
 */
export function wordsFrom(report, region) {
  const places = report.text.placesOf("answer");
  const units = places.map((at) => report.text.unit(at));
  const all = sharesOf(report, units, region).map((one, i) => ({ at: places[i], ...one }));
  // By the share: measured in benchmarks/results/regions.md, as `words_from` in Python.
  return all.sort((a, b) => b.share - a.share || a.at - b.at);
}

/**
 * What each of some units has in a region.
 * @param {Report} report
 * @param {UnitData[]} units
 * @param {RegionData} region
 */
export function sharesOf({ maps, views }, units, region) {
  const cells = coveredCells(region, views.all[region.view]);
  return units.map((unit) => {
    const share = shareInside(maps, unit, region.view, cells);
    return { share, amount: share * (unit.visual_share ?? 1) };
  });
}

/**
 * The part of a unit's positive values that lies in some cells of a view; each view counts the
 * same, however many cells it has.
 * @param {Maps} maps
 * @param {UnitData} unit
 * @param {number} view
 * @param {CoveredCell[]} cells
 */
function shareInside(maps, unit, view, cells) {
  const total = unit.maps.reduce((sum, map) => sum + maps.positiveMean(map), 0);
  if (total <= 0) return 0;
  const values = maps.raw(unit.maps[view]);
  let inside = 0;
  for (const [cell, part] of cells) inside += Math.max(values[cell], 0) * part;
  return Math.min(inside / values.length / total, 1);
}

/**
 * The part of a view's grid that a region covers: what a map that is the same everywhere, and in
 * all views, would have inside.
 * @param {Report} report
 * @param {RegionData} region
 */
export function evenShare({ views }, region) {
  const picture = views.all[region.view];
  const { rows, columns } = picture.grid;
  const covered = coveredCells(region, picture).reduce((sum, [, part]) => sum + part, 0);
  return covered / ((rows.length - 1) * (columns.length - 1) * views.all.length);
}

/**
 * The part of its view's area that a region covers, as far as the model was shown it.
 * @param {Report} report
 * @param {RegionData} region
 */
export function partOfView({ views }, region) {
  const picture = views.all[region.view];
  const areas = coveredCells(region, picture).map(([cell, part]) => {
    const [left, top, right, bottom] = boxOfCell(picture, cell);
    return part * (right - left) * (bottom - top);
  });
  return areas.reduce((sum, area) => sum + area, 0) / (picture.width * picture.height);
}
