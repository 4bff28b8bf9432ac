// A word's evidence in a sentence or two.

import { capitalize, label } from "../shared/text.js";
import { LOW_EVIDENCE, hasLowEvidence } from "./selection.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */
/** @import {UnitData} from "./payload.d.ts" */

const CLEARLY_MORE = 1.5; // times the other one

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
export function summary(report, piece) {
  const foil = report.text.foil(piece);
  const sentences =
    foil === null
      ? [sourceOfEvidence(report, piece.unit)]
      : contrastSentences(report, piece.unit, foil);
  return [...sentences, ...brightestSentence(report, piece.unit)].join(" ");
}

/**
 * The text of a place on the text axis, and whether the prompt holds it.
 * @param {Report} report
 * @param {number} at
 */
export function contextPiece({ text }, at) {
  const piece = text.pieces[at];
  return { text: label(piece.text), inPrompt: piece.part === "prompt" };
}

/**
 * The piece that a unit leaned on most, in quotation marks.
 * @param {Report} report
 * @param {UnitData} unit
 */
function strongestContext(report, { context }) {
  return context.length ? `“${contextPiece(report, context[0][0]).text}”` : "";
}

/**
 * @param {Report} report
 * @param {UnitData} unit
 */
function sourceOfEvidence(report, unit) {
  const { views } = report;
  const subject = views.subject.name;
  const word = strongestContext(report, unit);
  const hasLowContext = unit.earlier < LOW_EVIDENCE;
  if (hasLowEvidence(unit) && hasLowContext)
    return `Neither ${subject} nor an earlier word stands out behind it.`;
  if (hasLowEvidence(unit))
    return `${views.subjectWith("has", "have")} next to nothing to say here; it leans on ${word}.`;
  if (hasLowContext)
    return `${views.subjectWith("speaks", "speak")} for it, hardly any earlier word does.`;
  if (unit.picture >= CLEARLY_MORE * unit.earlier)
    return `Mostly ${subject}, with some leaning on ${word}.`;
  if (unit.earlier >= CLEARLY_MORE * unit.picture)
    return `It leans on ${word} more than on ${subject}.`;
  return `${capitalize(subject)} and ${word} count about alike.`;
}

/**
 * @param {Report} report
 * @param {UnitData} unit
 * @param {string} foil
 */
function contrastSentences(report, unit, foil) {
  const { name, plural } = report.views.subject;
  const pair = `“${label(unit.text)}” rather than “${label(foil)}”`;
  const first = hasLowEvidence(unit)
    ? `Hardly anything in ${name} speaks for ${pair}.`
    : `Where ${name} ${plural ? "speak" : "speaks"} for ${pair}.`;
  if (unit.earlier < LOW_EVIDENCE) return [first];
  return [first, `Of the earlier words, ${strongestContext(report, unit)} does so most.`];
}

/**
 * @param {Report} report
 * @param {UnitData} unit
 */
function brightestSentence({ views }, unit) {
  if (!views.several || hasLowEvidence(unit)) return [];
  const isOnly = views.all[unit.best].clip || views.stills.length === 1;
  return [`It is brightest in ${isOnly ? "the " : ""}${views.nameInText(unit.best)}.`];
}
