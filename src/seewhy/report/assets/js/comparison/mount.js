// The entry: shows a comparison's payload inside an element of any page.

import { Comparison } from "./comparison.js";

/** @import {ComparisonPayload} from "./payload.d.ts" */
/** @import {Mount, Options} from "./types.d.ts" */

/**
 * Show two to four explanations side by side. The page needs `look.css` and `comparison.css`.
 * @param {Element} container gets the page as its last child
 * @param {ComparisonPayload} payload as `seewhy.report.comparison_payload.payload` makes it
 * @param {Options} [options]
 * @returns {Mount}
 */
export function mount(container, payload, options = {}) {
  const comparison = new Comparison(container, payload, options);
  return {
    ready: comparison.start(),
    choose: (row) => comparison.choose(row),
    unmount: () => comparison.unmount(),
  };
}
