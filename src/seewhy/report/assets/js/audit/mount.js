// The entry: shows an audit's payload inside an element of any page.

import { Audit } from "./audit.js";

/** @import {AuditPayload} from "./payload.d.ts" */
/** @import {Mount, Options} from "./types.d.ts" */

/**
 * Show the finding, the worst words and the tables of an audit. The page needs `look.css`,
 * `tables.css` and `audit.css`.
 * @param {Element} container gets the page as its last child
 * @param {AuditPayload} payload as `seewhy.audit.payload.payload` makes it
 * @param {Options} [options]
 * @returns {Mount}
 */
export function mount(container, payload, options = {}) {
  const audit = new Audit(container, payload, options);
  return { ready: Promise.resolve(), unmount: () => audit.unmount() };
}
