// Rates and counts as a person reads them.

import { element } from "../shared/dom.js";
import { percent } from "../shared/text.js";

/** @import {AuditRate} from "./payload.d.ts" */
/** @typedef {{value: number | null, low: number | null, high: number | null}} Interval */

/** @param {number} count */
export const thousands = (count) => count.toLocaleString("en");

/**
 * A share in whole percent or with one decimal; a dash for none.
 * @param {number | null} value
 */
export const share = (value) => (value === null ? "–" : percent(value));

/**
 * A share's interval; "" for none.
 * @param {Interval} interval
 */
export const range = ({ low, high }) =>
  low === null || high === null ? "" : `${bare(low)} to ${bare(high)} %`;

/**
 * @param {number} value
 */
const bare = (value) => percent(value).replace(" %", "");

/**
 * "3 of 40" in thousands.
 * @param {AuditRate} rate
 */
export const outOf = ({ count, total }) => `${thousands(count)} of ${thousands(total)}`;

/**
 * A share as a bar with its interval as a line over it; the numbers must stand beside it.
 * @param {Interval} interval
 * @param {string | null} [source] whose colour it has
 */
export function intervalBar({ value, low, high }, source = null) {
  if (value === null || low === null || high === null) return element("span", { class: "track" });
  const places = { "--value": value, "--low": low, "--high": high };
  return element(
    "span",
    { class: "track", "data-source": source, "aria-hidden": "true", ...places },
    element("i", { class: "fill" }),
    element("i", { class: "whisker" }),
  );
}

/**
 * "1 word", "3 words".
 * @param {number} count
 * @param {string} noun
 */
export const counted = (count, noun) => `${thousands(count)} ${noun}${count === 1 ? "" : "s"}`;
