// Parts that the details of one word and of two share: bars, blocks, headings, maps at each scale.

import { element } from "../shared/dom.js";
import { clamp, label, percent } from "../shared/text.js";
import { viewOf } from "./selection.js";

/** @import {Child} from "../shared/dom.js" */
/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */

const SCALE_SIDE = 120;

/**
 * One row of a bar chart: name, bar, number.
 * @param {string | Node} name
 * @param {number} share length of the bar, from 0 to 1
 * @param {string} number
 * @param {{fill?: string, mark?: string}} [classes]
 */
export function bar(name, share, number, { fill = "", mark = "" } = {}) {
  return [
    element("span", { class: `name ${mark}` }, name),
    element(
      "span",
      { class: "track" },
      element("i", { class: `fill ${fill}`, "--strength": clamp(share) }),
    ),
    element("span", { class: "number" }, number),
  ];
}

/**
 * @param {string} title
 * @param {...Child} children
 */
export const section = (title, ...children) =>
  element("section", {}, element("h3", { class: "eyebrow" }, title), ...children);

/**
 * @param {string} title
 * @param {...Child} children
 */
export const block = (title, ...children) =>
  element("section", { class: "block" }, element("h3", { class: "eyebrow" }, title), ...children);

/**
 * A word as a heading, with what it is contrasted with.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 * @param {string} [mark] class of a pinned word
 */
export function heading({ text }, piece, mark = "") {
  const foil = text.foil(piece);
  const contrast =
    foil === null
      ? null
      : element("span", { class: "foil" }, ", and not: ", element("i", {}, label(foil)));
  return element("h2", { class: mark }, label(piece.unit.text), contrast);
}

/**
 * A word's maps at each scale; nothing where there is one scale only.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 * @param {string} title
 */
export function scalesBlock(report, piece, title) {
  if (piece.unit.scales.length < 2) return [];
  const { payload, views } = report;
  const where = views.several ? ` · ${views.nameInText(viewOf(report, piece.unit))}` : "";
  const order = payload.scales.map((_, i) => i);
  order.sort((one, other) => payload.scales[one].scale - payload.scales[other].scale);
  const figures = order.map((i) => scaleFigure(report, piece, i));
  return [block(`${title}${where}`, element("div", { class: "scales" }, ...figures))];
}

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 * @param {number} index
 */
function scaleFigure(report, { unit, part }, index) {
  const { maps, painter, payload, state, views } = report;
  const view = viewOf(report, unit);
  const canvas = element("canvas", views.canvasSize(view, SCALE_SIDE));
  const mode = state.style.mode === "picture" ? "heat" : state.style.mode;
  painter.thumbnail(canvas, view, maps.displayAtScale(unit, index, view), { ...state.style, mode });
  const { scale, model_sizes: sizes } = payload.scales[index];
  const [width, height] = sizes[view];
  const weight = percent(unit.scales[index].weight);
  return element(
    "figure",
    { title: `seen at ${width} x ${height} pixels, weight ${weight}` },
    canvas,
    element(
      "figcaption",
      {},
      element("b", {}, `× ${scale}`),
      index === 0 ? " base" : null,
      // The model did not choose the words of the prompt.
      ...(part === "prompt" ? [] : choiceAtScale(unit.scales[index])),
    ),
  );
}

/** @param {ExplainedPiece["unit"]["scales"][number]} scale */
function choiceAtScale({ is_top1: isTop1, probability }) {
  return [
    element("br"),
    element("i", { class: isTop1 ? "top1" : "not-top1" }),
    isTop1 ? "still said" : "not said",
    element("br"),
    element("span", { class: "number" }, `p ${percent(probability)}`),
  ];
}
