// The heads of one layer: what each took from the picture, and from words.

import { element } from "../shared/dom.js";
import { decimal } from "../shared/text.js";

/** @import {UnitData} from "./payload.d.ts" */

/** @param {number[]} values */
export const sum = (values) => values.reduce((total, value) => total + value, 0);

/**
 * A cell for each head, its upper half for the picture, its lower one for words. All layers of a
 * word share one scale, so they compare.
 * @param {UnitData} unit
 * @param {number} layer
 */
export function headCells({ layers }, layer) {
  const most = Math.max(...layers.flatMap(({ picture, text }) => [...picture, ...text])) || 1;
  const { picture, text } = layers[layer];
  const cells = picture.map((share, head) =>
    element("i", {
      class: "head",
      title: headText(picture, text, head),
      "--visual-strength": share / most,
      "--context-strength": text[head] / most,
    }),
  );
  const row = { class: "head-cells", role: "img", "aria-label": spokenHeads(picture, text) };
  return [
    element("span", { class: "heads-name" }, "Heads"),
    element("span", row, ...cells),
    element("span", { class: "heads-key" }, key("visual", "picture"), key("context", "words")),
  ];
}

/**
 * @param {string} kind
 * @param {string} name
 */
const key = (kind, name) => element("span", { class: `key ${kind}` }, name);

/**
 * @param {number[]} picture
 * @param {number[]} text
 * @param {number} head
 */
const headText = (picture, text, head) =>
  `head ${head + 1}: ${decimal(picture[head])} from the picture, ${decimal(text[head])} from words`;

/**
 * @param {number[]} picture
 * @param {number[]} text
 */
function spokenHeads(picture, text) {
  const best = picture.indexOf(Math.max(...picture));
  return `${picture.length} heads; most from the picture in ${headText(picture, text, best)}`;
}
