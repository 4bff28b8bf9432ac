// The overview: a small picture for every word of the answer.

import { element } from "../shared/dom.js";
import { label, percent } from "../shared/text.js";
import { verdictMark } from "../shared/verdict_marks.js";
import { hasLowEvidence } from "./selection.js";
import { isExplained } from "./text_axis.js";
import { isFolded } from "./thinking.js";
import { verdictOf } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece, Piece} from "./types.d.ts" */

const TILE_SIDE = 150;
const SLICE_MS = 8; // of drawing, after which the browser may answer a person

/** @param {Report} report */
export function layOutTiles(report) {
  const { parts, text } = report;
  parts.overviewTitle.textContent = `Every ${text.kind}, in order`;
  for (const piece of text.pieces) piece.tile = null;
  const shown = text.placesOf("answer").filter((at) => !isFolded(report, at));
  const tiles = shown.map((at) => makeTile(report, text.pieces[at], at));
  parts.tiles.replaceChildren(...tiles);
  drawTiles(report);
}

/** The tiles that wait, of each report.
 * @type {WeakMap<Report, ExplainedPiece[]>} */
const waiting = new WeakMap();

/**
 * Draw all tiles: a long answer has hundreds, so that a few are drawn at a time, and what a person
 * does in between is answered first.
 * @param {Report} report
 */
export function drawTiles(report) {
  const isRunning = waiting.get(report)?.length;
  const all = report.text.pieces.filter(isExplained);
  waiting.set(
    report,
    all.filter(({ tile }) => tile !== null),
  );
  if (!isRunning) drawSome(report);
}

/** @param {Report} report */
function drawSome(report) {
  const { maps, painter, signal, state } = report;
  const tiles = waiting.get(report) ?? [];
  const end = performance.now() + SLICE_MS;
  while (tiles.length && performance.now() < end) {
    const { tile, unit } = /** @type {ExplainedPiece} */ (tiles.shift());
    const canvas = tile?.querySelector("canvas");
    const map = maps.display(unit, unit.best, state.style.display);
    if (canvas) painter.thumbnail(canvas, unit.best, map, state.style);
  }
  if (tiles.length && !signal.aborted) setTimeout(() => drawSome(report));
}

/**
 * @param {Report} report
 * @param {Piece} piece
 * @param {number} at
 */
function makeTile(report, piece, at) {
  const unit = report.text.unit(at);
  const verdict = verdictOf(report.text, piece);
  const mark = verdict && verdictMark(verdict.source);
  const probability = element("span", { class: "number" }, percent(unit.probability));
  piece.tile = element(
    "div",
    {
      class: "tile",
      "data-index": piece.index,
      "data-at": at,
      "--evidence": unit.brightness.toFixed(3),
    },
    element("canvas", report.views.canvasSize(unit.best, TILE_SIDE)),
    element("div", { class: "label" }, mark, element("span", {}, label(unit.text)), probability),
    element("div", { class: "level" }, element("i")),
    note(report, piece, at),
  );
  return piece.tile;
}

/**
 * The view of a tile, where there are several, and what its word is contrasted with.
 * @param {Report} report
 * @param {Piece} piece
 * @param {number} at
 */
function note({ text, views }, piece, at) {
  const unit = text.unit(at);
  const foil = text.foil(piece);
  if (!views.several && foil === null) return null;
  const view = views.several && !hasLowEvidence(unit) ? views.all[unit.best].name : "";
  const parts = [view, foil === null ? "" : `not ${label(foil)}`];
  return element("p", { class: "note" }, parts.filter(Boolean).join(" · "));
}
