// Where something was changed: boxes on the pictures, and earlier words in the text.

import { element } from "../shared/dom.js";
import { isComparison, shownLayer } from "./selection.js";
import { placesOfWord, verdictOf } from "./verdicts.js";

/** @import {ChangeData} from "./payload.d.ts" */
/** @import {PaneContent} from "./pane_rows.js" */
/** @import {Report} from "./report.js" */

/**
 * The boxes of what was changed in a view, for the word that is looked at.
 * @param {Report} report
 * @param {PaneContent} content
 */
export function changedBoxes({ state, text, views }, { at, view }) {
  const piece = text.explained(at);
  if (isComparison(state) || shownLayer(state, piece.unit) !== null) return [];
  const { width, height } = views.all[view];
  const own = changesOf(text, at).filter((change) => change.box && change.view === view);
  const boxes = new Map(own.map(({ box }) => [String(box), box ?? [0, 0, 0, 0]]));
  return [...boxes].map(([key, [left, top, right, bottom]]) =>
    element("i", {
      class: "changed-box",
      "data-box": key,
      "--left": (left / width).toFixed(4),
      "--top": (top / height).toFixed(4),
      "--width": ((right - left) / width).toFixed(4),
      "--height": ((bottom - top) / height).toFixed(4),
    }),
  );
}

/**
 * Places of the earlier words that were changed, for the word that is looked at.
 * @param {Report} report
 * @returns {Set<number>}
 */
export function changedPlaces({ state, text }) {
  if (isComparison(state)) return new Set();
  return new Set(changesOf(text, state.current).flatMap((change) => placesOfChange(text, change)));
}

/**
 * Make what a change touched stand out, or no longer.
 * @param {Report} report
 * @param {ChangeData} change
 * @param {boolean} isOn
 */
export function highlight({ panes, text }, change, isOn) {
  for (const at of placesOfChange(text, change))
    text.pieces[at].node?.classList.toggle("highlighted", isOn);
  if (!change.box) return;
  for (const { frame, view } of panes) {
    if (view !== change.view) continue;
    const box = frame.querySelector(`[data-box="${CSS.escape(String(change.box))}"]`);
    box?.classList.toggle("highlighted", isOn);
  }
}

/**
 * @param {Report["text"]} text
 * @param {number} at
 */
const changesOf = (text, at) => verdictOf(text, text.pieces[at])?.changes ?? [];

/**
 * @param {Report["text"]} text
 * @param {ChangeData} change
 */
function placesOfChange(text, { part, word }) {
  if (word === null || (part !== "prompt" && part !== "answer")) return [];
  return placesOfWord(text, { part, word });
}
