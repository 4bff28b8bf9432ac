// The word that is to be looked at when an entry is shown next.

/** @import {App} from "../types.d.ts" */

/** @type {WeakMap<App, {entry: string, word: number}>} */
const kept = new WeakMap();

/**
 * Show an entry at a word.
 * @param {App} app
 * @param {string} entry
 * @param {number | null} word null for the entry's own first word
 */
export function showAt(app, entry, word) {
  if (word === null) kept.delete(app);
  else kept.set(app, { entry, word });
  return app.show(entry);
}

/**
 * The word at which an entry is to be shown, once.
 * @param {App} app
 * @param {string} entry
 */
export function takeWord(app, entry) {
  const found = kept.get(app);
  kept.delete(app);
  return found?.entry === entry ? found.word : null;
}
