// Where the truth is known: the benchmark's figures, how well support tells words, and the maps.

import { element } from "../shared/dom.js";
import { scrolling } from "../shared/sections.js";
import { counted, intervalBar, range, share, thousands } from "./format.js";

/** @import {Audit} from "./audit.js" */
/** @import {AuditDetection, AuditEstimate, AuditGrounding} from "./payload.d.ts" */

/** @param {Audit} audit */
export function renderTruth({ parts, payload }) {
  const { detection, grounding, scores } = payload;
  const hasScores = Object.keys(scores).length > 0;
  parts.truthPart.hidden = !hasScores && !detection && !grounding.length;
  parts.truth.replaceChildren(
    ...(hasScores ? [scoreTiles(scores)] : []),
    ...(detection ? [detectionPart(detection)] : []),
    ...(grounding.length ? [groundingPart(parts.truthPart.id, grounding)] : []),
  );
}

/** @param {Record<string, number | null>} scores */
function scoreTiles(scores) {
  const tiles = Object.entries(scores).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, share(value))),
  );
  return element(
    "div",
    {},
    element("h3", {}, "The benchmark's own figures"),
    element("dl", { class: "tiles", id: "scores" }, ...tiles),
  );
}

/** @param {AuditDetection} detection */
function detectionPart(detection) {
  const { words, untrue, answers } = detection;
  /** @type {[string, string, AuditEstimate][]} */
  const figures = [
    ["AUROC", "area under the ROC curve", detection.auroc],
    ["AUPR", "average precision", detection.average_precision],
    ["FPR", "false positives at 95 % recall", detection.false_positive_rate],
  ];
  const tiles = figures.map(([name, long, { value, low, high }]) =>
    element(
      "div",
      {},
      element("dt", {}, name, element("small", {}, ` ${long}`)),
      element(
        "dd",
        {},
        fraction(value),
        element("small", {}, ` ${fraction(low)} to ${fraction(high)}`),
      ),
    ),
  );
  const note = `Little support as a sign of a word that is not true: ${counted(words, "word")} of ${counted(answers, "answer")}, ${thousands(untrue)} of them not true. Intervals by a bootstrap over answers.`;
  return element(
    "div",
    {},
    element("h3", {}, "Does support tell true words from others?"),
    element("dl", { class: "tiles" }, ...tiles),
    element("p", { class: "hint" }, note),
  );
}

/**
 * A figure from 0 to 1, as such figures are usually written.
 * @param {number | null} value
 */
const fraction = (value) => (value === null ? "–" : value.toFixed(3));

/**
 * @param {string} labelId
 * @param {AuditGrounding[]} grounding
 */
function groundingPart(labelId, grounding) {
  const heads = ["words of", "pointing", "IoU", "words"].map((name) =>
    element("th", { scope: "col" }, name),
  );
  const table = element(
    "table",
    { class: "grounding" },
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...grounding.map(groundingRow)),
  );
  const note =
    "Pointing: how often a map's highest point lies in the true region. IoU: of the map at Otsu's threshold and the region, the mean over words.";
  return element(
    "div",
    {},
    element("h3", {}, "Do the maps lie on the right place?"),
    scrolling(labelId.replace("-part", "-title"), table),
    element("p", { class: "hint" }, note),
  );
}

/** @param {AuditGrounding} row */
function groundingRow({ group, pointing, iou, words }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, group === "all" ? "all groups" : group),
    figure(pointing),
    figure(iou),
    element("td", {}, thousands(Math.max(words, pointing.total))),
  );
}

/** @param {AuditEstimate} value */
const figure = (value) =>
  element(
    "td",
    {},
    element(
      "span",
      { class: "rate-cell" },
      intervalBar(value, "picture"),
      element("span", {}, share(value.value), element("small", {}, range(value))),
    ),
  );
