// Rows of the data that could not be used, and why.

import { element } from "../shared/dom.js";
import { counted, thousands } from "./format.js";

/** @import {Audit} from "./audit.js" */
/** @import {AuditReason} from "./payload.d.ts" */

const HEADS = ["reason", "how often", "for example", "its error"];

/** @param {Audit} audit */
export function renderReasons({ parts, payload: { reasons, totals } }) {
  parts.reasonsPart.hidden = !reasons.length;
  const all = totals.done + totals.failed;
  parts.reasonsIntro.textContent = `${thousands(totals.failed)} of ${counted(all, "row")}. They are in no figure on this page.`;
  const heads = HEADS.map((text) => element("th", { scope: "col" }, text));
  parts.reasons.replaceChildren(
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...reasons.map(row)),
  );
}

/** @param {AuditReason} reason */
function row({ reason, count, example, detail }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, reason),
    element("td", {}, thousands(count)),
    element("td", { class: "text" }, example),
    element("td", { class: "text" }, detail),
  );
}
