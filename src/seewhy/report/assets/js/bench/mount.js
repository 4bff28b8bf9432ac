// The entry: shows a bench's payload inside an element of any page.

import { Bench } from "./bench.js";

/** @import {BenchPayload} from "./payload.d.ts" */
/** @import {Mount, Options} from "./types.d.ts" */

/**
 * Show the tables and plots of a bench. The page needs `look.css`, `tables.css` and
 * `bench.css`.
 * @param {Element} container gets the page as its last child
 * @param {BenchPayload} payload as `seewhy.bench.reporting.payload` makes it
 * @param {Options} [options]
 * @returns {Mount}
 */
export function mount(container, payload, options = {}) {
  const bench = new Bench(container, payload, options);
  return { ready: Promise.resolve(), unmount: () => bench.unmount() };
}
