// What could not be measured, and why: one folded group for each reason.

import { element } from "../shared/dom.js";

/** @import {Bench} from "./bench.js" */
/** @import {BenchReason} from "./payload.d.ts" */

const HEADS = ["what", "where", "how often", "for example"];

/** @param {Bench} bench */
export function renderReasons({ parts, payload: { reasons } }) {
  parts.reasonsPart.hidden = !reasons.length;
  const groups = groupsOf(reasons);
  parts.reasonsIntro.textContent = `Nothing is left out in silence: what could not be measured, by reason (${groups.length}). Open one to see where.`;
  parts.reasons.replaceChildren(...groups.map(group));
}

/**
 * The entries of each reason, those with the most first.
 * @param {BenchReason[]} reasons
 */
function groupsOf(reasons) {
  /** @type {Map<string, BenchReason[]>} */
  const groups = new Map();
  for (const one of reasons) {
    const key = `${one.status}: ${one.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].sort((one, other) => other.length - one.length);
}

/** @param {BenchReason[]} entries of one reason */
function group(entries) {
  const [{ status, reason }] = entries;
  const where = new Set(entries.map((entry) => entry.where)).size;
  const extent = `${counted(entries.length, "figure")}, ${counted(where, "model and data set", "models and data sets")}`;
  const heads = HEADS.map((text) => element("th", { scope: "col" }, text));
  const table = element(
    "table",
    { class: "reasons" },
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...entries.map(row)),
  );
  const name = `Where: ${reason}`;
  return element(
    "details",
    {},
    element("summary", {}, `${status}: ${reason} `, element("span", { class: "extent" }, extent)),
    element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": name }, table),
  );
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [several]
 */
const counted = (count, one, several = `${one}s`) => `${count} ${count === 1 ? one : several}`;

/** @param {BenchReason} reason */
function row({ what, where, count, example }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, what),
    text(where),
    element("td", {}, String(count)),
    text(example),
  );
}

/** @param {string} content */
const text = (content) => element("td", { class: "text" }, content);
