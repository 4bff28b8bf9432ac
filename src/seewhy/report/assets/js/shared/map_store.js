// Maps in 8 bit as numbers: raw, and in [0, 1] between two raw values.

import { clamp, decodeBase64 } from "./text.js";

/** A map of a payload: value = low + byte / 255 * (high - low), row by row.
 * @typedef {{height: number, width: number, low: number, high: number, data: string}} StoredMap */

const SMALLEST_RANGE = 1e-12;

export class MapStore {
  /** @param {StoredMap[]} maps */
  constructor(maps) {
    this.all = maps;
    /** @type {Map<number, Float32Array>} */
    this.decoded = new Map();
  }

  /**
   * A stored map's raw values, row by row.
   * @param {number} index
   */
  raw(index) {
    const known = this.decoded.get(index);
    if (known) return known;
    const { data, low, high } = this.all[index];
    const bytes = decodeBase64(data);
    const values = new Float32Array(bytes.length);
    for (let i = 0; i < bytes.length; i += 1) values[i] = low + (bytes[i] / 255) * (high - low);
    this.decoded.set(index, values);
    return values;
  }

  /**
   * A stored map between two raw values, which become 0 and 1.
   * @param {number} index
   * @param {number} low
   * @param {number} high
   */
  scaled(index, low, high) {
    const { height, width } = this.all[index];
    return { values: this.raw(index).map((v) => fraction(v, low, high)), height, width };
  }
}

/**
 * Where a value lies in a range, from 0 to 1.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function fraction(value, low, high) {
  return clamp((value - low) / Math.max(high - low, SMALLEST_RANGE));
}
