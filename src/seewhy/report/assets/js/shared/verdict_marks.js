// The marks of verdicts: a shape and a colour for each source, and what each means.

import { svgElement } from "./svg.js";

/** What each source means, in the order of legends.
 * @type {Record<string, string>} */
export const SOURCES = {
  picture: "from the picture",
  repeats: "repeats an earlier word",
  words: "from words or habit",
  misread: "from another place",
  unclear: "unclear",
};

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
 * What a source means; one that this page does not know keeps its name.
 * @param {string} source
 */
export const meaning = (source) => SOURCES[source] ?? source;

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
