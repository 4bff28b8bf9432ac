// The payload's maps as numbers: raw, and in [0, 1] on one of the scales for display.

import { MapStore, fraction } from "../shared/map_store.js";

/** @import {MapData, PictureData, UnitData} from "./payload.d.ts" */
/** @import {DisplayMap} from "../shared/interpolation.js" */
/** @import {Display, LayerSource} from "./types.d.ts" */

export class Maps extends MapStore {
  /**
   * @param {MapData[]} maps
   * @param {PictureData[]} pictures
   */
  constructor(maps, pictures) {
    super(maps);
    this.pictures = pictures;
    /** @type {Map<number, number>} */
    this.positive = new Map();
    /** @type {WeakMap<UnitData, Partial<Record<Display, DisplayMap[]>>>} */
    this.displays = new WeakMap();
  }

  /**
   * The mean of a stored map's positive values, over all its cells.
   * @param {number} index
   */
  positiveMean(index) {
    const known = this.positive.get(index);
    if (known !== undefined) return known;
    let sum = 0;
    const values = this.raw(index);
    for (const value of values) sum += value > 0 ? value : 0;
    this.positive.set(index, sum / values.length);
    return sum / values.length;
  }

  /**
   * A unit's map of a view on one of the scales; words compare on that of the answer.
   * @param {UnitData} unit
   * @param {number} view
   * @param {Display} [display]
   * @returns {DisplayMap}
   */
  display(unit, view, display = "answer") {
    const byScale = this.displays.get(unit) ?? {};
    this.displays.set(unit, byScale);
    const known = (byScale[display] ??= []);
    const { rows, columns } = this.pictures[view].grid;
    const [low, high] = unit.ranges[display];
    known[view] ??= { ...this.scaled(unit.maps[view], low, high), rows, columns };
    return known[view];
  }

  /**
   * One value of a unit's map of a view, as `display` has it for the whole answer. Only the bytes
   * that hold it are decoded: pointing at a place asks all words for theirs.
   * @param {UnitData} unit
   * @param {number} view
   * @param {number} cell
   */
  valueAt(unit, view, cell) {
    const { data, low, high } = this.all[unit.maps[view]];
    const start = 4 * Math.floor(cell / 3);
    const byte = atob(data.slice(start, start + 4)).charCodeAt(cell % 3);
    const [from, to] = unit.ranges.answer;
    return fraction(Math.fround(low + (byte / 255) * (high - low)), from, to);
  }

  /**
   * A unit's map of a view at one scale; its maps of all scales share one range, so they compare.
   * @param {UnitData} unit
   * @param {number} scale
   * @param {number} view
   * @returns {DisplayMap}
   */
  displayAtScale(unit, scale, view) {
    const all = unit.scales.flatMap((one) => one.maps.map((index) => this.all[index]));
    const low = Math.min(...all.map((map) => map.low));
    const high = Math.max(unit.ranges.answer[1], ...all.map((map) => map.high));
    const map = this.scaled(unit.scales[scale].maps[view], low, high);
    const { rows, columns } = this.pictures[view].grid;
    return { ...map, rows: evenEdges(rows, map.height), columns: evenEdges(columns, map.width) };
  }

  /**
   * A unit's map of a view at one layer; the maps of all its layers share one range, so they
   * compare.
   * @param {UnitData} unit
   * @param {LayerSource} source
   * @param {number} layer
   * @param {number} view
   * @returns {DisplayMap}
   */
  displayAtLayer(unit, source, layer, view) {
    const high = this.highestOfLayers(unit, source);
    const { rows, columns } = this.pictures[view].grid;
    return { ...this.scaled(unit.layers[layer][source][view], 0, high), rows, columns };
  }

  /**
   * The highest value of a unit's maps of all layers and views.
   * @param {UnitData} unit
   * @param {LayerSource} source
   */
  highestOfLayers({ layers }, source) {
    return Math.max(...layers.flatMap((one) => one[source].map((index) => this.all[index].high)));
  }

  /**
   * The highest value of a unit's map of a view, on one of the scales.
   * @param {UnitData} unit
   * @param {number} view
   * @param {Display} [display]
   */
  peakValue(unit, view, display = "answer") {
    const [low, high] = unit.ranges[display];
    return fraction(this.all[unit.maps[view]].high, low, high);
  }

  /**
   * Of some views the one with the highest value of a unit, the first of equals.
   * @param {UnitData} unit
   * @param {number[]} among
   */
  brightestView(unit, among) {
    if (among.includes(unit.best)) return unit.best;
    // Raw values: on the answer's scale several views may reach full brightness.
    const highest = (/** @type {number} */ view) => this.all[unit.maps[view]].high;
    return among.reduce((best, view) => (highest(view) > highest(best) ? view : best));
  }

  /**
   * The view with the highest value of a unit, the first of equals. It need not be of the picture
   * that has most of the unit's evidence.
   * @param {UnitData} unit
   */
  peakView(unit) {
    const heights = unit.maps.map((index) => this.all[index].high);
    return heights.indexOf(Math.max(...heights));
  }

  /**
   * A unit's maps of all views in one list, on its own scale, which cuts no value off.
   * @param {UnitData} unit
   */
  allValues(unit) {
    return this.pictures.flatMap((_, view) => Array.from(this.display(unit, view, "word").values));
  }
}

/**
 * The edges of `count` equal cells between the first and the last of some edges.
 * @param {number[]} edges
 * @param {number} count
 */
function evenEdges(edges, count) {
  const [first, last] = [edges[0], edges[edges.length - 1]];
  return Array.from({ length: count + 1 }, (_, i) => first + ((last - first) * i) / count);
}
