// What is to be looked at when an entry is shown next: a word, and a region if there was one.

/** @import {RegionData} from "../../shared/regions.js" */
/** @import {App} from "../types.d.ts" */
/** @typedef {{word: number | null, region: RegionData | null}} Looked */

/** @type {WeakMap<App, Looked & {entry: string}>} */
const kept = new WeakMap();

/**
 * Show an entry at a word.
 * @param {App} app
 * @param {string} entry
 * @param {number | null} word null for the entry's own first word
 * @param {RegionData | null} [region]
 */
export function showAt(app, entry, word, region = null) {
  kept.set(app, { entry, word, region });
  return app.show(entry);
}

/**
 * What an entry is to be shown with, once.
 * @param {App} app
 * @param {string} entry
 * @returns {Looked}
 */
export function takeLooked(app, entry) {
  const found = kept.get(app);
  kept.delete(app);
  return found?.entry === entry ? found : { word: null, region: null };
}
