// What could not be measured, and why.

import { element } from "../shared/dom.js";

/** @import {Bench} from "./bench.js" */
/** @import {BenchReason} from "./payload.d.ts" */

const HEADS = ["what", "where", "why", "how often", "for example"];

/** @param {Bench} bench */
export function renderReasons({ parts, payload: { reasons } }) {
  parts.reasonsPart.hidden = !reasons.length;
  const heads = HEADS.map((text) => element("th", { scope: "col" }, text));
  parts.reasons.replaceChildren(
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...reasons.map(row)),
  );
}

/** @param {BenchReason} reason */
function row({ what, where, status, reason, count, example }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, what),
    text(where),
    text(`${status}: ${reason}`),
    element("td", {}, String(count)),
    text(example),
  );
}

/** @param {string} content */
const text = (content) => element("td", { class: "text" }, content);
