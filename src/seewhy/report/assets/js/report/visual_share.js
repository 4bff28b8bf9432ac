// How much of a word came from the picture, and how much from earlier words, where it is measured.

import { element } from "../shared/dom.js";

/** @import {Report} from "./report.js" */
/** @import {UnitData} from "./payload.d.ts" */

/**
 * A line and a bar; nothing where the method does not measure it.
 * @param {Report} report
 * @param {number | null | undefined} share in [0, 1]
 */
export function visualShare(report, share) {
  if (typeof share !== "number") return [];
  const bar = element("div", { class: "split-bar", "aria-hidden": "true", "--strength": share });
  const text = element("p", {}, visualShareText(report, share));
  return [element("div", { class: "visual-share", id: report.id("visual-share") }, text, bar)];
}

/**
 * Whether the method measures it. Payloads of older versions do not have it.
 * @param {UnitData} unit
 */
export const isShareMeasured = ({ visual_share: share }) => typeof share === "number";

/**
 * @param {Report} report
 * @param {number} share in [0, 1]
 */
export function visualShareText({ views }, share) {
  const [visual, earlier] = wholePercents(share);
  return `Of what the word took, ${visual} came from ${views.subject.name}, ${earlier} from earlier words.`;
}

/**
 * A share and the rest of it as whole percents, which add up to 100.
 * @param {number} share in [0, 1]
 */
function wholePercents(share) {
  const whole = Math.round(100 * share);
  if (whole === 0 && share > 0) return ["< 1 %", "> 99 %"];
  if (whole === 100 && share < 1) return ["> 99 %", "< 1 %"];
  return [`${whole} %`, `${100 - whole} %`];
}
