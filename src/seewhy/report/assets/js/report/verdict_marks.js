// The marks of verdicts: a shape and a colour for each source, and their legend.

import { element } from "../shared/dom.js";
import { svgElement } from "../shared/svg.js";
import { percent } from "../shared/text.js";
import { SOURCES, isDoubtful, meaning } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {VerdictData} from "./payload.d.ts" */

/** Shapes in a square of 10 x 10 that can be told apart without their colours; lines have a width.
 * @type {Record<string, {d: string, line?: number}>} */
const SHAPES = {
  picture: { d: "M5 .8a4.2 4.2 0 1 1 0 8.4a4.2 4.2 0 1 1 0-8.4z" },
  repeats: { d: "M5 1.8a3.2 3.2 0 1 1 0 6.4a3.2 3.2 0 1 1 0-6.4z", line: 1.9 },
  words: { d: "M5 .6L9.8 9.2H.2z" },
  misread: { d: "M1.4 1.4L8.6 8.6M8.6 1.4L1.4 8.6", line: 2.3 },
  unclear: { d: "M.8 5H9.2", line: 2.3 },
};

/**
 * The mark of a source; what it means must stand beside it in words.
 * @param {string} source
 */
export function verdictMark(source) {
  const { d, line } = SHAPES[source] ?? SHAPES.unclear;
  const ink = line
    ? { fill: "none", stroke: "currentColor", "stroke-width": line, "stroke-linecap": "round" }
    : { fill: "currentColor" };
  const traits = { class: "verdict-mark", "data-source": source, viewBox: "0 0 10 10" };
  return svgElement("svg", { ...traits, "aria-hidden": "true" }, svgElement("path", { d, ...ink }));
}

/**
 * A verdict in a few words.
 * @param {VerdictData} verdict
 */
export const verdictLabel = ({ source, support }) =>
  `${meaning(source)}, support ${percent(support)}`;

/**
 * The legend: the sources that occur, and how many words have each.
 * @param {Report} report
 */
export function renderVerdictLegend({ parts, payload }) {
  const verdicts = (payload.verdicts ?? []).flatMap((verdict) => (verdict ? [verdict] : []));
  parts.verdictLegend.hidden = !verdicts.length;
  const sources = new Set([...Object.keys(SOURCES), ...verdicts.map(({ source }) => source)]);
  const entries = [...sources].flatMap((source) => {
    const count = verdicts.filter((verdict) => verdict.source === source).length;
    const number = element("span", { class: "number" }, String(count));
    return count ? [element("li", {}, verdictMark(source), meaning(source), " ", number)] : [];
  });
  const doubt = element("li", {}, element("i", { class: "doubt-sample" }), "support below 50 %");
  parts.verdictLegend.replaceChildren(...entries, ...(verdicts.some(isDoubtful) ? [doubt] : []));
}
