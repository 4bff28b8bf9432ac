// What a screen reader is told after a word was chosen.

import { label, percent } from "../shared/text.js";
import { locationSentence } from "./location_panel.js";
import { shownPlaces } from "./selection.js";
import { summary } from "./summary.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */

/** @param {Report} report */
export function announce(report) {
  const texts = shownPlaces(report.state).map((at) =>
    announcement(report, report.text.explained(at)),
  );
  report.parts.live.textContent = texts.join(" ");
}

/**
 * @param {Report} report
 * @param {string} text
 */
export function announceText({ parts }, text) {
  parts.live.textContent = text;
}

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function announcement(report, piece) {
  const { text } = report;
  const foil = text.foil(piece);
  const contrast = foil === null ? "" : `, and not ${label(foil)}`;
  const about =
    piece.part === "prompt"
      ? text.speaker(piece)
      : `probability ${percent(piece.unit.probability)}`;
  return `${label(piece.text)}${contrast}: ${about}. ${summary(report, piece)}${locationSentence(report, piece)}`;
}
