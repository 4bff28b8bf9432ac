// The thinking block of an answer: folded until a person asks for it.

import { element } from "../shared/dom.js";
import { setScript } from "./scripts.js";

/** @import {Report} from "./report.js" */
/** @import {Piece} from "./types.d.ts" */

/**
 * The block, folded or not, with a holder for its words; null where the answer has none.
 * @param {Report} report
 * @param {Piece[]} pieces of the block
 * @param {() => void} changed called when it is folded or unfolded
 */
export function thinkingBlock({ state, text }, pieces, changed) {
  if (!pieces.length) return null;
  const words = element("div", { class: "thinking-words" });
  setScript(words, plainText(pieces));
  const count = `${pieces.length} ${text.kind}${pieces.length === 1 ? "" : "s"}`;
  const title = element("summary", {}, "Thinking ", element("span", {}, count));
  const node = element("details", { class: "thinking", open: state.isThinkingOpen }, title, words);
  let shown = node.open;
  node.addEventListener("toggle", () => {
    if (node.open === shown) return;
    shown = state.isThinkingOpen = node.open;
    changed();
  });
  return { node, words };
}

/**
 * Whether a piece cannot be seen because its block is folded.
 * @param {Report} report
 * @param {number} at
 */
export const isFolded = ({ state, text }, at) =>
  !state.isThinkingOpen && Boolean(text.pieces[at]?.thinking);

/**
 * Unfold the block if the word that is looked at is in it.
 * @param {Report} report
 */
export function unfoldAround(report) {
  if (!isFolded(report, report.state.current)) return;
  const node = report.parts.answer.querySelector("details");
  if (!node) return;
  report.state.isThinkingOpen = node.open = true;
}

/**
 * What a person reads of some pieces: without markup.
 * @param {Piece[]} pieces
 */
export const plainText = (pieces) =>
  pieces
    .filter(({ special }) => !special)
    .map(({ text }) => text)
    .join(" ");
