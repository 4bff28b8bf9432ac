// What is filtered and sorted, in the page's address (#source=words&truth=untrue).

import { NO_FILTERS } from "./filters.js";

/** @import {Audit} from "./audit.js" */
/** @import {Filters} from "./types.d.ts" */

/** @type {(keyof Filters)[]} */
const TEXTS = ["find", "word", "source", "role", "category", "prompt", "cause", "truth"];
/** @type {("from" | "to")[]} */
const NUMBERS = ["from", "to"];

/**
 * Write filters, the table and the order into the address.
 * @param {Audit} audit
 */
export function writeFragment({ state, tables }) {
  const fields = new URLSearchParams();
  for (const name of [...TEXTS, ...NUMBERS]) {
    const value = state.filters[name];
    if (value !== NO_FILTERS[name]) fields.set(name, String(value));
  }
  if (state.table !== tables[0]) fields.set("table", state.table);
  if (state.order !== "support") fields.set("order", state.order);
  const text = fields.toString();
  try {
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  } catch {
    // A frame without an address of its own refuses; the page works without.
  }
}

/**
 * Take filters, the table and the order from the address; what it does not name is as at first.
 * @param {Audit} audit
 */
export function readFragment({ state, tables }) {
  const fields = new URLSearchParams(location.hash.slice(1));
  /** @type {Record<string, string | number>} */
  const read = {};
  for (const name of TEXTS) read[name] = fields.get(name) ?? "";
  for (const name of NUMBERS) read[name] = numberIn(fields.get(name), NO_FILTERS[name]);
  if (!["", "true", "untrue", "unknown"].includes(String(read.truth))) read.truth = "";
  Object.assign(state.filters, read);
  state.table = tables.find((name) => name === fields.get("table")) ?? tables[0] ?? "word";
  state.order = fields.get("order") === "probability" ? "probability" : "support";
}

/**
 * A number from 0 to 1.
 * @param {string | null} text
 * @param {number} fallback
 */
function numberIn(text, fallback) {
  const value = /^[\d.]{1,9}$/u.test(text ?? "") ? Number(text) : NaN;
  return value >= 0 && value <= 1 ? value : fallback;
}
