// What a reader must know: before anything else, and of single words.

import { element } from "../shared/dom.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */

/**
 * Shown above everything, where the record has warnings.
 * @param {Report} report
 */
export function renderWarnings({ parts, payload }) {
  // Payloads of older versions do not have them.
  const warnings = payload.warnings ?? [];
  parts.warnings.hidden = !warnings.length;
  parts.warnings.append(...warnings.map((warning) => element("p", {}, warning)));
}

/**
 * The notes of the word that a piece is, or is a part of.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
export function wordNotes({ payload }, { part, unit }) {
  if (part !== "answer") return [];
  const own = (payload.word_notes ?? []).filter(({ word }) =>
    payload.words.answer[word].tokens.some((token) => unit.tokens.includes(token)),
  );
  return own.map(({ note }) => element("p", { class: "word-note" }, note));
}
