// Headings: of a page of its own from level 1, inside another page one level lower.

import { element } from "../shared/dom.js";

/** @import {Attribute, Child} from "../shared/dom.js" */
/** @import {Options} from "./types.d.ts" */

/**
 * Whether it is a part of a page, which has its own bar, heading and main part.
 * @param {{options: Options}} comparison
 */
export const isPart = ({ options }) => options.topBar === false;

/**
 * @param {{options: Options}} comparison
 * @param {1 | 2} level
 * @param {Record<string, Attribute>} attributes
 * @param {...Child} children
 */
export function heading(comparison, level, attributes, ...children) {
  const depth = isPart(comparison) ? level + 1 : level;
  return element(/** @type {"h1" | "h2" | "h3"} */ (`h${depth}`), attributes, ...children);
}
