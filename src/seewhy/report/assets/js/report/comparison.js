// The details of two pinned words, side by side.

import { element } from "../shared/dom.js";
import { label, percent, point } from "../shared/text.js";
import { meaning } from "../shared/verdict_marks.js";
import { heading, scalesBlock } from "./detail_parts.js";
import { hasLowEvidence, shareOf } from "./selection.js";
import { similarity } from "./similarity.js";
import { contextPiece } from "./summary.js";
import { isDiagnosed, verdictOf } from "./verdicts.js";
import { isShareMeasured } from "./visual_share.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */
/** @import {VerdictData} from "./payload.d.ts" */

const MOST_SHARES = 8; // pictures and clips with a row of their own

/** @typedef {(piece: ExplainedPiece) => string} Measure */

/**
 * @param {Report} report
 * @param {ExplainedPiece} a
 * @param {ExplainedPiece} b
 */
export function comparisonDetails(report, a, b) {
  const isLow = hasLowEvidence(a.unit) || hasLowEvidence(b.unit);
  const warning = `One of them has next to no evidence in ${report.views.subject.name}, so read these two numbers with care.`;
  return [
    element(
      "div",
      { class: "details-head" },
      heading(report, a, "pin-a"),
      element("p", {}, "beside"),
      heading(report, b, "pin-b"),
    ),
    similarityNumbers(report, a, b),
    isLow ? element("p", { class: "summary" }, warning) : "",
    element("table", {}, tableHead(a, b), element("tbody", {}, ...tableRows(report, a, b))),
    ...[a, b].flatMap((piece) =>
      scalesBlock(report, piece, `${label(piece.unit.text)}, at each scale`),
    ),
  ];
}

/**
 * @param {Report} report
 * @param {ExplainedPiece} a
 * @param {ExplainedPiece} b
 */
function similarityNumbers({ id, maps, views }, a, b) {
  const { correlation, overlap } = similarity(maps.allValues(a.unit), maps.allValues(b.unit));
  const r = correlation === null ? "–" : correlation.toFixed(2).replace("-", "−");
  const shared = overlap === null ? "–" : percent(overlap);
  return element(
    "div",
    { class: "similarity" },
    element(
      "p",
      {},
      element("strong", { id: id("correlation") }, r),
      `correlation of the two ${views.several ? "words’ maps" : "maps"}, cell by cell`,
    ),
    element(
      "p",
      {},
      element("strong", { id: id("overlap") }, shared),
      "of the ground that either holds above half its maximum is held by both",
    ),
  );
}

/**
 * @param {ExplainedPiece} a
 * @param {ExplainedPiece} b
 */
function tableHead(a, b) {
  const corner = element("th", {}, element("span", { class: "visually-hidden" }, "measure"));
  return element(
    "thead",
    {},
    element(
      "tr",
      {},
      corner,
      element("th", { scope: "col", class: "pin-a" }, label(a.unit.text)),
      element("th", { scope: "col", class: "pin-b" }, label(b.unit.text)),
    ),
  );
}

/**
 * @param {Report} report
 * @param {ExplainedPiece} a
 * @param {ExplainedPiece} b
 */
function tableRows(report, a, b) {
  return measures(report, [a, b]).map(([name, measure]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", {}, measure(a)),
      element("td", {}, measure(b)),
    ),
  );
}

/**
 * What is compared: names and how each is measured.
 * @param {Report} report
 * @param {ExplainedPiece[]} pieces
 * @returns {[string, Measure][]}
 */
function measures(report, pieces) {
  const { views } = report;
  return [
    ["probability", probability],
    ...(isDiagnosed(report.text) ? verdictMeasures(report) : []),
    ["brightest place", ({ unit }) => unit.brightness.toFixed(2)],
    ...visualShares(views.subject.name, pieces),
    ...(views.several ? brightestView(report) : []),
    ...sharesOfMedia(report),
    ["strongest earlier piece", (piece) => strongestContext(report, piece)],
    ["peak", peak(report)],
    ...(pieces[0].unit.scales.length ? SCALES : []),
  ];
}

/**
 * What came from the picture, where the method measures it.
 * @param {string} subject
 * @param {ExplainedPiece[]} pieces
 * @returns {[string, Measure][]}
 */
function visualShares(subject, pieces) {
  if (!pieces.some(({ unit }) => isShareMeasured(unit))) return [];
  const share = (/** @type {ExplainedPiece} */ { unit }) =>
    typeof unit.visual_share === "number" ? percent(unit.visual_share) : "–";
  return [[`from ${subject}`, share]];
}

/** @type {Measure} */
const probability = ({ part, unit }) =>
  part === "prompt" ? "not the model’s" : percent(unit.probability);

/**
 * @param {Report} report
 * @returns {[string, Measure][]}
 */
function verdictMeasures({ text }) {
  /** @param {(verdict: VerdictData) => string} told @returns {Measure} */
  const measure = (told) => (piece) => {
    const verdict = verdictOf(text, piece);
    return verdict ? told(verdict) : "–";
  };
  return [
    ["rests on", measure(({ source }) => meaning(source))],
    ["support", measure(({ support }) => percent(support))],
  ];
}

/**
 * @param {Report} report
 * @returns {Measure}
 */
const peak = ({ maps }) => ({ unit }) => {
  const xy = unit.peaks[maps.peakView(unit)];
  return xy ? `${point(xy)} px` : "nowhere";
};

/** @type {[string, Measure][]} */
const SCALES = [
  [
    "scales at which it is said",
    ({ part, unit }) => {
      const kept = unit.scales.filter(({ is_top1: isTop1 }) => isTop1).length;
      return part === "prompt" ? "–" : `${kept} of ${unit.scales.length}`;
    },
  ],
];

/**
 * @param {Report} report
 * @returns {[string, Measure][]}
 */
const brightestView = ({ maps, views }) => [
  ["which is in", ({ unit }) => views.nameInText(maps.peakView(unit))],
];

/**
 * @param {Report} report
 * @returns {[string, Measure][]}
 */
function sharesOfMedia({ views: { media } }) {
  if (media.length < 2 || media.length > MOST_SHARES) return [];
  return media.map(({ name, views }) => [
    `share of ${name}`,
    ({ unit }) => percent(shareOf(unit, views)),
  ]);
}

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function strongestContext(report, { unit: { context } }) {
  if (!context.length) return "none";
  const [at, share] = context[0];
  return `${contextPiece(report, at).text} ${percent(share)}`;
}
