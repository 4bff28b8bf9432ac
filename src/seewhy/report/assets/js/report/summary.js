// A word in a sentence or two: its verdict, or what its map shows and no more.

import { label, percent } from "../shared/text.js";
import { hasLowEvidence, shareOf } from "./selection.js";
import { verdictOf } from "./verdicts.js";
import { isShareMeasured, visualShareText } from "./visual_share.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */
/** @import {UnitData} from "./payload.d.ts" */

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
export function summary(report, piece) {
  const verdict = verdictOf(report.text, piece);
  if (verdict) return verdict.sentence;
  const { visual_share: share } = piece.unit;
  const measured = typeof share === "number" ? [visualShareText(report, share)] : [];
  return [...measured, mapSummary(report, piece)].filter(Boolean).join(" ");
}

/**
 * What the map shows. That is not why the word was said: only a change can show that. Where it is
 * measured what a word took from the picture, the map's heights say nothing more.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
export function mapSummary(report, piece) {
  const foil = report.text.foil(piece);
  const sentences =
    foil === null
      ? heightsSentence(report, piece.unit)
      : contrastSentences(report, piece.unit, foil);
  return [...sentences, ...whereSentence(report, piece.unit)].join(" ");
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
function heightsSentence(report, unit) {
  return isShareMeasured(unit) ? [] : [brightnessSentence(unit), ...earlierSentence(report, unit)];
}

/** @param {UnitData} unit */
const brightnessSentence = (unit) =>
  hasLowEvidence(unit)
    ? "The map is nearly dark beside those of other words."
    : "The map has a bright place.";

/**
 * The earlier word with the largest share. It is in another unit than the map's heights, so the
 * two are not compared.
 * @param {Report} report
 * @param {UnitData} unit
 */
function earlierSentence(report, unit) {
  if (!unit.context.length) return [];
  const share = percent(unit.context[0][1]);
  return [`Of what earlier words gave, ${strongestContext(report, unit)} has the most: ${share}.`];
}

/**
 * @param {Report} report
 * @param {UnitData} unit
 * @param {string} foil
 */
function contrastSentences(report, unit, foil) {
  const pair = `“${label(unit.text)}” rather than “${label(foil)}”`;
  const first = hasLowEvidence(unit)
    ? `The map is nearly dark: hardly any place favours ${pair}.`
    : `The map shows which places favour ${pair}.`;
  return [first, ...earlierSentence(report, unit)];
}

/**
 * @param {Report} report
 * @param {UnitData} unit
 */
function whereSentence({ maps, views }, unit) {
  if (!views.several || hasLowEvidence(unit)) return [];
  const peak = maps.peakView(unit);
  const brightest = `brightest in ${withArticle(views, peak)}`;
  if (views.media.length === 1) return [`Its map is ${brightest}.`];
  const medium = views.media.find((one) => one.views.includes(unit.best)) ?? views.media[0];
  const share = percent(shareOf(unit, medium.views));
  const most = `Of its evidence, ${share} is in ${medium.clip ? `the ${medium.name}` : withArticle(views, unit.best)}`;
  return [medium.views.includes(peak) ? `${most}.` : `${most}; its map is ${brightest}.`];
}

/**
 * @param {Report["views"]} views
 * @param {number} view
 */
function withArticle(views, view) {
  const isOnly = views.all[view].clip || views.stills.length === 1;
  return `${isOnly ? "the " : ""}${views.nameInText(view)}`;
}
