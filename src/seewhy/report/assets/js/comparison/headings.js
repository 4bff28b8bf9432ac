// Headings: of a page of its own from level 1, inside another page one level lower.

import { element } from "../shared/dom.js";

/** @import {Attribute, Child} from "../shared/dom.js" */
/** @import {Options} from "./types.d.ts" */

/**
 * @param {{options: Options}} comparison
 * @param {1 | 2} level
 * @param {Record<string, Attribute>} attributes
 * @param {...Child} children
 */
export function heading({ options }, level, attributes, ...children) {
  const inside = options.topBar === false ? 1 : 0;
  return element(/** @type {"h1" | "h2" | "h3"} */ (`h${level + inside}`), attributes, ...children);
}
