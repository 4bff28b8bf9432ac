// How long jobs took on this page: the next one of its kind may take as long.

/** @import {App, Entry, Job} from "../types.d.ts" */

/** @type {WeakMap<App, Map<string, number>>} */
const known = new WeakMap();

/**
 * @param {Job["kind"]} kind
 * @param {Entry} entry
 */
const keyOf = (kind, { model, method }) => `${kind} ${model} ${method}`;

/**
 * @param {App} app
 * @param {Job["kind"]} kind
 * @param {Entry} entry
 * @param {number} seconds
 */
export function keepDuration(app, kind, entry, seconds) {
  const own = known.get(app) ?? new Map();
  known.set(app, own.set(keyOf(kind, entry), seconds));
}

/**
 * What is known of how long a job takes, as a sentence; nothing where nothing is known.
 * @param {App} app
 * @param {Job["kind"]} kind
 * @param {Entry} entry
 */
export function durationNote(app, kind, entry) {
  const seconds = known.get(app)?.get(keyOf(kind, entry));
  if (seconds === undefined) return "";
  return `The last one took ${seconds < 10 ? Math.max(seconds, 0.1).toFixed(1) : Math.round(seconds)} s.`;
}
