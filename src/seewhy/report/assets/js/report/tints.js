// Tints of the text: earlier words with weight for the shown words, or which words have evidence in a cell.

import { label } from "../shared/text.js";
import { changedPlaces } from "./change_marks.js";
import { locatedPlaces } from "./location_marks.js";
import { RESPONSE_MIN, shownPlaces } from "./selection.js";
import { isFolded, unfoldAround } from "./thinking.js";

/** @import {Report} from "./report.js" */
/** @import {Cell, Part, Piece} from "./types.d.ts" */

/** @param {Report} report */
export function renderTints(report) {
  const { state, text } = report;
  if (!text.isExplained(state.current)) return;
  unfoldAround(report);
  const strengths = state.hoveredCell
    ? cellStrengths(report, state.hoveredCell)
    : contextStrengths(report);
  const stops = new Set([tabStop(report, "prompt"), tabStop(report, "answer")]);
  const changed = changedPlaces(report);
  const located = locatedPlaces(report);
  text.pieces.forEach((piece, at) => {
    piece.node?.classList.toggle("changed", changed.has(at));
    piece.node?.classList.toggle("located", located.has(at));
    piece.node?.classList.remove("highlighted");
    tint(piece, strengths.get(at) ?? 0, state.hoveredCell !== null);
    if (!piece.unit) return;
    mark(report, piece, at);
    if (piece.node) piece.node.tabIndex = stops.has(at) ? 0 : -1;
  });
  renderCellWords(report);
}

/**
 * How much each piece shows in a cell, where that is enough.
 * @param {Report} report
 * @param {Cell} cell
 */
function cellStrengths(report, { view, cell }) {
  /** @type {Map<number, number>} */
  const strengths = new Map();
  report.text.pieces.forEach(({ unit }, at) => {
    const value = unit ? report.maps.display(unit, view).values[cell] : 0;
    if (value > RESPONSE_MIN) strengths.set(at, value);
  });
  return strengths;
}

/**
 * How strongly each piece is tinted for the shown words: as its share beside the largest share, and
 * less where it is measured that the word took much from the picture.
 * @param {Report} report
 */
function contextStrengths({ state, text }) {
  /** @type {Map<number, number>} */
  const strengths = new Map();
  for (const { context, visual_share: visual } of shownPlaces(state).map((at) => text.unit(at))) {
    const most = context.length ? (1 - (visual ?? 0)) / context[0][1] : 0;
    for (const [at, share] of context)
      strengths.set(at, Math.max(share * most, strengths.get(at) ?? 0));
  }
  return strengths;
}

/**
 * @param {Piece} piece
 * @param {number} strength
 * @param {boolean} isPointing at a cell
 */
function tint({ node }, strength, isPointing) {
  node?.classList.toggle("context", !isPointing && strength > 0);
  node?.classList.toggle("in-cell", isPointing && strength > 0);
  if (strength > 0) node?.style.setProperty("--strength", strength.toFixed(3));
}

/**
 * Mark a piece, and its tile, as looked at or pinned.
 * @param {Report} report
 * @param {Piece} piece
 * @param {number} at
 */
function mark({ state }, { node, tile }, at) {
  const isCurrent = state.hoveredCell === null && shownPlaces(state).includes(at);
  for (const one of [node, tile]) {
    one?.classList.toggle("current", isCurrent);
    one?.classList.toggle("pin-a", state.pins[0] === at);
    one?.classList.toggle("pin-b", state.pins[1] === at);
  }
  node?.setAttribute("aria-selected", String(state.pins.includes(at)));
}

/**
 * The one piece of a part that the tab key reaches: the last that was looked at, or the first.
 * @param {Report} report
 * @param {Part} part
 */
function tabStop(report, part) {
  const { state, text } = report;
  if (text.pieces[state.current].part === part) state.tabStops[part] = state.current;
  const at = state.tabStops[part] ?? -1;
  return text.isExplained(at) && text.pieces[at].part === part && !isFolded(report, at)
    ? at
    : text.explainedPlacesOf(part).find((place) => !isFolded(report, place));
}

/**
 * Name the words with the most evidence in the cell that is pointed at.
 * @param {Report} report
 */
function renderCellWords(report) {
  const { parts, state } = report;
  parts.cellWords.textContent = state.hoveredCell ? cellWords(report, state.hoveredCell) : "";
}

/**
 * @param {Report} report
 * @param {Cell} cell
 */
function cellWords(report, { view, cell }) {
  const { maps, text, views } = report;
  const strongest = text
    .placesOf("answer")
    .filter((at) => !isFolded(report, at))
    .map((at) => ({
      text: label(text.pieces[at].text),
      value: maps.display(text.unit(at), view).values[cell],
    }))
    .sort((one, other) => other.value - one.value)
    .filter(({ value }) => value > RESPONSE_MIN)
    .slice(0, 4);
  if (!strongest.length) return "No word’s map is bright here.";
  const where = views.several ? ` in ${views.all[view].name}` : "";
  const words = strongest.map((one) => `${one.text} ${one.value.toFixed(2)}`);
  return `Here${where}: ${words.join(" · ")}`;
}
