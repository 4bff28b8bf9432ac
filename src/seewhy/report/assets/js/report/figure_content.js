// What a figure of the words that are looked at shows: as in seewhy/report/figure/content.py.

import { chosenView, shownPlaces } from "./selection.js";
import { probability, shortNumber, visible } from "./figure_texts.js";

/** @import {Report} from "./report.js" */
/** @import {DisplayMap} from "../shared/interpolation.js" */
/** @import {Display, ExplainedPiece} from "./types.d.ts" */

/** A picture, with a map over it if there is one, and the lines of text below.
 * @typedef {{view: number, map: DisplayMap | null, title: string, lines: string[]}} Panel */
/** @typedef {{piece: ExplainedPiece, view: number, title: string, foil: string | null}} ShownWord */
/** @typedef {ReturnType<typeof figureContent>} FigureContent */

/** What the colour bar says of each scale.
 * @type {Record<Display, string>} */
export const SCALE_NOTES = {
  answer: "evidence for the word, on one scale for all words of the answer",
  word: "evidence for the word, each map on its own scale: compare shapes, not brightness",
  joint: "evidence for the word, each map scaled together with the scores of earlier words",
};

/**
 * The pictures that the maps lie on, then the map of the current word, or of both pinned ones.
 * @param {Report} report
 */
export function figureContent(report) {
  const { maps, state, views } = report;
  const { display, colours } = state.style;
  const shown = shownPlaces(state).map((at) => shownWord(report, at));
  const pictures = [...new Set(shown.map(({ view }) => view))].sort((a, b) => a - b);
  /** @type {Panel[]} */
  const panels = [
    ...pictures.map((view) => ({ view, map: null, title: views.all[view].name, lines: [] })),
    ...shown.map((word) => ({
      view: word.view,
      map: maps.display(word.piece.unit, word.view, display),
      title: word.title,
      lines: lines(report, word),
    })),
  ];
  return {
    panels,
    words: shown,
    display,
    colours,
    ends: barEnds(shown, display),
    note: SCALE_NOTES[display],
    numbers: wordOption(report, shown),
  };
}

/**
 * The option of `seewhy figure` that names the words.
 * @param {Report} report
 * @param {ShownWord[]} shown
 */
function wordOption({ text }, shown) {
  const isOfAnswer = shown.every(({ piece }) => piece.part === "answer");
  if (text.segmentation !== "words" || !isOfAnswer) return "";
  return ` --words ${shown.map(({ piece }) => piece.index).join(",")}`;
}

/**
 * @param {Report} report
 * @param {number} at
 * @returns {ShownWord}
 */
function shownWord({ state, text }, at) {
  const piece = text.explained(at);
  const view = chosenView(state) ?? piece.unit.best;
  return { piece, view, title: visible(piece.text), foil: text.foil(piece) };
}

/**
 * What stands below a word; nobody chose the words of the prompt, so they have no probability.
 * @param {Report} report
 * @param {ShownWord} word
 */
function lines({ views }, { piece, view, foil }) {
  return [
    ...(foil === null ? [] : [`rather than ${visible(foil)}`]),
    ...(views.several ? [views.all[view].name] : []),
    piece.part === "prompt" ? "in the prompt" : `p ${probability(piece.unit.probability)}`,
  ];
}

/**
 * What stands at the ends of the colour bar: raw values where all maps have one range.
 * @param {ShownWord[]} shown
 * @param {Display} display
 */
function barEnds(shown, display) {
  const ranges = shown.map(({ piece }) => piece.unit.ranges[display]);
  const [[low, high]] = ranges;
  if (ranges.some((range) => range[0] !== low || range[1] !== high))
    return display === "word" ? ["lowest", "highest of the map"] : ["low", "high"];
  return [shortNumber(low), `${shortNumber(high)}${display === "answer" ? " or more" : ""}`];
}
