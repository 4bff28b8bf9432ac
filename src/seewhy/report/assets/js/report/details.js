// The details of the word that is looked at.

import { element } from "../shared/dom.js";
import { focusedElement } from "../shared/focus.js";
import { decimal, label, percent, point, visibleText } from "../shared/text.js";
import { comparisonDetails } from "./comparison.js";
import { bar, block, heading, scalesBlock, section } from "./detail_parts.js";
import { locationBlock } from "./location_panel.js";
import { makeLayerStrip } from "./layer_strip.js";
import { wordNotes } from "./notes.js";
import { hasLowEvidence, shareOf, shownPlaces, viewOf } from "./selection.js";
import { contextPiece, mapSummary } from "./summary.js";
import { noVerdictNote, verdictPanel } from "./verdict_panel.js";
import { verdictOf } from "./verdicts.js";
import { visualShare } from "./visual_share.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */
/** @import {UnitData} from "./payload.d.ts" */
/** @import {Child} from "../shared/dom.js" */

const MOST_CONTEXT = 4;
const MOST_CANDIDATES = 5;

/** @param {Report} report */
export function renderDetails(report) {
  const pieces = shownPlaces(report.state).map((at) => report.text.explained(at));
  const [piece, other] = pieces;
  // Payloads of older versions do not have layers.
  const hasStrip = !other && piece.unit.layers?.length > 0;
  report.layerStrip = hasStrip ? makeLayerStrip(report, piece.unit) : null;
  const nodes = other ? comparisonDetails(report, piece, other) : wordDetails(report, piece);
  replaceDetails(report.parts.details, nodes);
}

/**
 * Replace the details; what had the focus there keeps it.
 * @param {HTMLElement} details
 * @param {(Node | string)[]} nodes
 */
function replaceDetails(details, nodes) {
  const focused = focusedElement();
  const active = details.contains(focused) ? focused : null;
  details.replaceChildren(...nodes);
  if (!active) return;
  // An element that stays loses the focus too, for a moment it is nowhere.
  const same =
    active.isConnected || !active.id
      ? active
      : details.querySelector(`#${CSS.escape(active.id)}`);
  if (same instanceof HTMLElement) same.focus({ preventScroll: true });
}

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function wordDetails(report, piece) {
  const { state } = report;
  const isPinned = state.pins.includes(state.current);
  const about = `${description(report, piece)}${isPinned ? " · pinned" : ""}`;
  const mark = state.pins[0] === state.current ? "pin-a" : "";
  return [
    element(
      "div",
      { class: "details-head" },
      heading(report, piece, mark),
      element("p", {}, about),
    ),
    report.parts.wordSlot,
    ...explanationOf(report, piece),
    ...wordNotes(report, piece),
    ...locationBlock(report, piece),
    element(
      "div",
      { class: "columns" },
      brightness(report, piece),
      earlier(report, piece),
      shares(report, piece.unit),
      candidates(report, piece),
    ),
    ...(report.layerStrip ? [report.layerStrip.node] : []),
    ...scalesBlock(report, piece, scalesTitle(piece)),
    numbers(report, piece),
  ];
}

/**
 * What a word rests on, or what its map shows; and its share from the picture.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function explanationOf(report, piece) {
  const verdict = verdictOf(report.text, piece);
  const share = visualShare(report, piece.unit.visual_share ?? verdict?.visual_share);
  if (verdict) return [verdictPanel(report, piece, verdict), ...contrastOf(report, piece), ...share];
  const note = noVerdictNote(report, piece);
  return [...summaryLine(mapSummary(report, piece)), ...share, ...(note ? [note] : [])];
}

/**
 * What a contrasted word's map shows: the verdict is of the word alone.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
const contrastOf = (report, piece) =>
  report.text.foil(piece) === null ? [] : summaryLine(mapSummary(report, piece));

/** @param {string} text */
const summaryLine = (text) => (text ? [element("p", { class: "summary" }, text)] : []);

/**
 * Which word it is of how many.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function description({ text }, piece) {
  const { part, index, unit } = piece;
  const count = text.placesOf(part).length;
  if (part === "prompt") return `${text.speaker(piece)}, ${index + 1} of ${count} in the prompt`;
  return `${text.kind} ${index + 1} of ${count} · probability ${percent(unit.probability)}`;
}

/** @param {ExplainedPiece} piece */
function scalesTitle({ part, unit }) {
  if (part === "prompt") return "At each scale";
  const kept = unit.scales.filter(({ is_top1: isTop1 }) => isTop1).length;
  return `At each scale: said at ${kept} of ${unit.scales.length}`;
}

/**
 * How bright the map is beside those of the whole answer.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function brightness({ id, maps, views }, { unit }) {
  const name = views.media.length > 1 ? views.all[maps.peakView(unit)].name : views.media[0].name;
  const row = bar(name, unit.brightness, unit.brightness.toFixed(2), { fill: "visual" });
  return section("Brightest place", element("div", { class: "bars", id: id("evidence") }, ...row));
}

/**
 * The words before with the largest shares of what the word took from all words before it.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function earlier(report, { unit }) {
  if (!unit.context.length) return null;
  const rows = unit.context.slice(0, MOST_CONTEXT).flatMap(([at, share]) => {
    const { text, inPrompt } = contextPiece(report, at);
    const mark = inPrompt ? "in-prompt" : "";
    return bar(text, share, percent(share), { fill: "context", mark });
  });
  const bars = element("div", { class: "bars", id: report.id("context") }, ...rows);
  return section("Earlier words, share of each", bars);
}

/**
 * Each picture's and clip's part of the evidence, where there is more than one.
 * @param {Report} report
 * @param {UnitData} unit
 */
function shares({ id, views }, unit) {
  if (views.media.length < 2) return null;
  const isLow = hasLowEvidence(unit);
  const rows = views.media.flatMap((medium) => {
    const share = shareOf(unit, medium.views);
    const isBest = medium.views.includes(unit.best) && !isLow;
    return bar(medium.name, share, percent(share), {
      fill: "visual",
      mark: isBest ? "marked" : "",
    });
  });
  const kind = isLow ? "bars low-evidence" : "bars";
  return section("Share of each", element("div", { class: kind, id: id("shares") }, ...rows));
}

/**
 * What the model could have said where it said a piece of the answer.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function candidates({ id, payload }, { unit, part }) {
  if (part === "prompt" || !unit.candidates.length) return null;
  // What was said need not be the model's first choice, nor among its first ones.
  const said = payload.tokens.answer[unit.tokens[0]];
  const first = unit.candidates.slice(0, MOST_CANDIDATES);
  const all = first.some(([text]) => text === said.text) ? first : [...first, candidate(said)];
  const rows = all.flatMap(([text, p]) => {
    const isSaid = text === said.text;
    const name = beginning(text, isSaid ? restOf(unit.text, text) : undefined);
    return bar(name, p, percent(p), { mark: isSaid ? "marked" : "" });
  });
  const bars = element("div", { class: "bars", id: id("candidates") }, ...rows);
  return section("Could have begun with", bars);
}

const OPEN = /[\p{L}\p{N}\p{M}]$/u; // more letters may follow

/**
 * What a token begins. Only of the word that was said the rest is known: the model was not asked how
 * it would have gone on after another token.
 * @param {string} text of the token
 * @param {string} [rest]
 */
const beginning = (text, rest = OPEN.test(text) ? "…" : "") =>
  element("span", {}, label(text), rest ? element("span", { class: "rest" }, rest) : null);

/**
 * What follows a token in its word.
 * @param {string} word
 * @param {string} token
 */
function restOf(word, token) {
  const start = word.trim().indexOf(token.trim());
  return start < 0 ? "" : word.trim().slice(start + token.trim().length);
}

/**
 * @param {UnitData} unit
 * @returns {[string, number]}
 */
const candidate = ({ text, probability }) => [text, probability];

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
function numbers(report, { unit, part }) {
  const { maps, payload, views } = report;
  const view = viewOf(report, unit);
  const { low, high } = maps.all[unit.maps[view]];
  const [peak, box] = [unit.peaks[view], unit.boxes[view]];
  const tokens = unit.tokens.map((t) =>
    element("span", { class: "token" }, visibleText(payload.tokens[part][t].text)),
  );
  return block(
    "Numbers",
    element(
      "dl",
      { class: "numbers" },
      views.several ? entry("in", views.nameInText(view)) : null,
      entry("peak", peak ? `${point(peak)} px` : "nowhere"),
      entry("above half maximum", box ? `${point(box)} to ${point(box.slice(2))} px` : "nowhere"),
      entry("map", range([low, high])),
      entry("shown as 0 to 1", range(unit.ranges.answer)),
      entry("range with the words before", range(unit.ranges.joint)),
      entry(unit.tokens.length > 1 ? "tokens" : "token", ...tokens),
    ),
  );
}

/** @param {[number, number]} ends */
const range = ([low, high]) => `${decimal(low)} to ${decimal(high)}`;

/**
 * @param {string} name
 * @param {...Child} value
 */
const entry = (name, ...value) =>
  element("div", {}, element("dt", {}, name), element("dd", {}, ...value));
