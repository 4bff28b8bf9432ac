// Drawings of a few strokes; what they mean stands beside them in words.

import { svgElement } from "../shared/svg.js";

/** Strokes in a square of 24 x 24. */
const DRAWINGS = {
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.2a.8.8 0 1 0 .01 0",
  clip: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.6h4M4 14.4h4M16 9.6h4M16 14.4h4",
  close: "M6 6l12 12M18 6L6 18",
  share: "M12 4v11M7.5 10.5L12 15l4.5-4.5M5 19h14",
  bin: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7M10.5 10.5v6M13.5 10.5v6",
  sliders:
    "M4 7.5h9M18 7.5h2M4 16.5h2M11 16.5h9M13 7.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0M6 16.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0",
  plus: "M12 5v14M5 12h14",
};

/**
 * @param {keyof typeof DRAWINGS} name
 */
export function icon(name) {
  const ink = { fill: "none", stroke: "currentColor", "stroke-width": 1.5 };
  const ends = { "stroke-linecap": "round", "stroke-linejoin": "round" };
  const traits = { class: "drawing", viewBox: "0 0 24 24", "aria-hidden": "true" };
  return svgElement("svg", traits, svgElement("path", { d: DRAWINGS[name], ...ink, ...ends }));
}
