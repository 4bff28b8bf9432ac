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
 * @param {string} name of all that was shown
 */
export function headCells({ layers }, layer, name) {
  const most = Math.max(...layers.flatMap(({ picture, text }) => [...picture, ...text])) || 1;
  const { picture, text } = layers[layer];
  const cells = picture.map((share, head) =>
    element("i", {
      class: "head",
      title: headText(picture, text, head, name),
      "--visual-strength": share / most,
      "--context-strength": text[head] / most,
    }),
  );
  const row = { class: "head-cells", role: "img", "aria-label": spokenHeads(picture, text, name) };
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
 * @param {string} name
 */
const headText = (picture, text, head, name) =>
  `head ${head + 1}: ${decimal(picture[head])} from ${name}, ${decimal(text[head])} from words`;

/**
 * @param {number[]} picture
 * @param {number[]} text
 * @param {string} name
 */
function spokenHeads(picture, text, name) {
  const best = picture.indexOf(Math.max(...picture));
  return `${picture.length} heads; most from ${name} in ${headText(picture, text, best, name)}`;
}
