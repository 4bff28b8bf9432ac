// The line beneath the pictures: the numbers of the word that is looked at. The details may lie far
// below a long answer; this line stays in view with the pictures.

import { element } from "../shared/dom.js";
import { label, percent } from "../shared/text.js";
import { verdictMark } from "../shared/verdict_marks.js";
import { shownPlaces } from "./selection.js";
import { contextPiece } from "./summary.js";
import { verdictLabel } from "./verdict_legend.js";
import { verdictOf } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */
/** @import {Child} from "../shared/dom.js" */

/** @param {Report} report */
export function renderReadout(report) {
  const { parts, state, text } = report;
  const pieces = shownPlaces(state).map((at) => text.explained(at));
  const facts = pieces.length > 1 ? pieces.map(probability) : factsOf(report, pieces[0]);
  parts.readout.replaceChildren(...facts.map((fact) => element("span", {}, ...fact)));
}

/**
 * Each fact as the children of one element.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 * @returns {Child[][]}
 */
function factsOf(report, piece) {
  const { unit, part } = piece;
  const verdict = verdictOf(report.text, piece);
  const share = unit.visual_share ?? verdict?.visual_share;
  const [strongest] = unit.context;
  return [
    [element("b", {}, label(unit.text))],
    verdict && [verdictMark(verdict.source), " ", verdictLabel(verdict)],
    part === "answer" && ["probability ", percent(unit.probability)],
    typeof share === "number" && [percent(share), ` from ${report.views.subject.name}`],
    strongest && [
      `“${contextPiece(report, strongest[0]).text}” `,
      percent(strongest[1]),
      " of earlier words",
    ],
  ].filter((fact) => Array.isArray(fact));
}

/**
 * @param {ExplainedPiece} piece
 * @returns {Child[]}
 */
const probability = ({ unit }) => [label(unit.text), " ", percent(unit.probability)];
