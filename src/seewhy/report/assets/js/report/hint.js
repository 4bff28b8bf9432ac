// The line beneath the answer: what can be done next.

import { element } from "../shared/dom.js";
import { label } from "../shared/text.js";

/** @import {Report} from "./report.js" */

/** @param {Report} report */
export function renderHint({ actions, id, parts, state, text }) {
  const pinned = state.pins.map((at) => `“${label(text.pieces[at].text)}”`);
  const clear = element(
    "button",
    { type: "button", id: id("clear"), onclick: () => actions.clearPins() },
    pinned.length === 2 ? "Unpin both" : "Unpin",
  );
  const isTouch = matchMedia("(pointer: coarse)").matches;
  parts.hint.replaceChildren(hintText(pinned, isTouch), ...(pinned.length ? [clear] : []));
}

/**
 * @param {string[]} pinned
 * @param {boolean} isTouch
 */
function hintText([one, two], isTouch) {
  if (two) return `${one} and ${two} are pinned.`;
  const again = isTouch ? "tap another word twice" : "click another word";
  if (one) return `${one} is pinned; ${again} to see both.`;
  return isTouch
    ? "Tap a word to see its map; tap it again to pin it."
    : "Point at a word to see its map; click to pin it, and a second one to compare.";
}
