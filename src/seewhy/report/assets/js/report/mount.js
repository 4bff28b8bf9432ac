// The entry: shows a report's payload inside an element of any page.

import { Report } from "./report.js";

/** @import {Payload} from "./payload.d.ts" */
/** @import {Mount, Options} from "./types.d.ts" */

/**
 * Show a report. The page needs `look.css`, `report.css`, `verdicts.css`, `locations.css`
 * and `regions.css`.
 * @param {Element} container gets the report as its last child
 * @param {Payload} payload as `seewhy.report.payload.payload` makes it
 * @param {Options} [options]
 * @returns {Mount}
 */
export function mount(container, payload, options = {}) {
  const report = new Report(container, payload, options);
  return { ready: report.start(), report: report.handle, unmount: () => report.unmount() };
}
