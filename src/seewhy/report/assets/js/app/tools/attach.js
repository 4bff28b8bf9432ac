// The tools beside a shown answer. Placeholder: part `tools` replaces this file.

/** @import {AttachTools} from "../types.d.ts" */

/** @type {AttachTools} */
export function attachTools(_app, _mounted, _entry, _place) {
  return { detach: () => undefined };
}
