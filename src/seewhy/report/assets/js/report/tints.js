// Tints of the text: earlier words with weight for the shown words, or which words have evidence in a cell.

import { clamp, label } from "../shared/text.js";
import { changedPlaces } from "./change_marks.js";
import { locatedPlaces } from "./location_marks.js";
import { RESPONSE_MIN, shownPlaces } from "./selection.js";
import { isFolded, unfoldAround } from "./thinking.js";
import { wordOf } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {Cell, Part} from "./types.d.ts" */
/** @import {WordShare} from "./region_words.js" */

/** From here on the word with most from a region has the full tint. */
const FULL_TINT = 0.2;

/** @param {Report} report */
export function renderTints(report) {
  const { state, text } = report;
  if (!text.isExplained(state.current)) return;
  unfoldAround(report);
  const isPlace =
    state.hoveredCell !== null || state.tints !== null || report.regions.region !== null;
  const strengths = strongest(strengthsOf(report));
  const stops = new Set([tabStop(report, "prompt"), tabStop(report, "answer")]);
  const changed = changedPlaces(report);
  const located = locatedPlaces(report);
  for (const node of report.root.querySelectorAll(".highlighted")) node.classList.remove("highlighted");
  text.pieces.forEach(({ node, tile, unit }, at) => {
    const strength = (strengths.get(at) ?? 0).toFixed(3);
    const isTinted = Number(strength) > 0;
    const marks = unit ? marksOf(report, at) : [];
    const tint = isTinted ? [isPlace ? "in-cell" : "context"] : [];
    const found = [...(changed.has(at) ? ["changed"] : []), ...(located.has(at) ? ["located"] : [])];
    show(tile, marks, {});
    show(node, [...marks, ...tint, ...found], {
      strength: isTinted ? strength : null,
      tabIndex: unit ? (stops.has(at) ? 0 : -1) : null,
      selected: unit ? state.pins.includes(at) : null,
    });
  });
  renderCellWords(report);
}

/** Pieces that are tinted at once: more could not be told apart, and each costs the browser time. */
const MOST_TINTED = 80;

/**
 * The strongest of all places.
 * @param {Map<number, number>} strengths
 */
function strongest(strengths) {
  if (strengths.size <= MOST_TINTED) return strengths;
  const ranked = [...strengths].sort(([, one], [, other]) => other - one);
  return new Map(ranked.slice(0, MOST_TINTED));
}

const CLASSES = ["current", "pin-a", "pin-b", "context", "in-cell", "changed", "located"];

/** What each element shows: of a long text only what has changed is touched.
 * @type {WeakMap<HTMLElement, string>} */
const shownBy = new WeakMap();

/**
 * @param {HTMLElement | null} node
 * @param {string[]} classes of `CLASSES`
 * @param {{strength?: string | null, tabIndex?: number | null, selected?: boolean | null}} traits
 */
function show(node, classes, { strength = null, tabIndex = null, selected = null }) {
  if (!node) return;
  const key = `${classes.join(" ")}|${strength}|${tabIndex}|${selected}`;
  if (shownBy.get(node) === key) return;
  shownBy.set(node, key);
  for (const name of CLASSES) node.classList.toggle(name, classes.includes(name));
  if (strength !== null) node.style.setProperty("--strength", strength);
  if (tabIndex !== null) node.tabIndex = tabIndex;
  if (selected !== null) node.setAttribute("aria-selected", String(selected));
}

/**
 * How strongly each piece is tinted: for the cell that is pointed at, for the region that is drawn,
 * or for the word that is looked at.
 * @param {Report} report
 */
function strengthsOf(report) {
  const { regions, state } = report;
  if (state.hoveredCell) return cellStrengths(report, state.hoveredCell);
  if (state.tints) return givenStrengths(report, state.tints);
  return regions.region ? regionStrengths(regions.words) : contextStrengths(report);
}

/**
 * What was set from outside, by words; a token has that of its word.
 * @param {Report} report
 * @param {number[]} tints
 */
function givenStrengths({ text }, tints) {
  const words = text.placesOf("answer").map((at) => [at, wordOf(text, text.explained(at))?.word]);
  return new Map(words.map(([at, word]) => [at ?? -1, clamp(tints[word ?? -1] ?? 0)]));
}

/**
 * How much of each piece comes from the region, beside the largest of them.
 * @param {WordShare[]} words best first
 */
function regionStrengths(words) {
  const most = Math.max(words[0]?.share ?? 0, FULL_TINT);
  return new Map(words.map(({ at, share }) => [at, share / most]));
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
    const value = unit ? report.maps.valueAt(unit, view, cell) : 0;
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
 * How a piece, and its tile, are marked: as looked at or pinned.
 * @param {Report} report
 * @param {number} at
 */
function marksOf({ regions, state }, at) {
  const isCurrent = state.hoveredCell === null && !regions.isBare && shownPlaces(state).includes(at);
  return [
    ...(isCurrent ? ["current"] : []),
    ...(state.pins[0] === at ? ["pin-a"] : []),
    ...(state.pins[1] === at ? ["pin-b"] : []),
  ];
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
      value: maps.valueAt(text.unit(at), view, cell),
    }))
    .sort((one, other) => other.value - one.value)
    .filter(({ value }) => value > RESPONSE_MIN)
    .slice(0, 4);
  if (!strongest.length) return "No word’s map is bright here.";
  const where = views.several ? ` in ${views.all[view].name}` : "";
  const words = strongest.map((one) => `${one.text} ${one.value.toFixed(2)}`);
  return `Here${where}: ${words.join(" · ")}`;
}
