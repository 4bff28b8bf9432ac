// Walking through the words by keyboard.

import { hasModifier } from "../shared/dom.js";
import { isFolded } from "./thinking.js";
import { placeOf } from "./word_pointer.js";

/** @import {Report} from "./report.js" */
/** @import {Part} from "./types.d.ts" */

const [LEFT, RIGHT] = ["ArrowLeft", "ArrowRight"];
const FAR = 1e5; // a line away is farther than anything on the same line

/** @param {Report} report */
export function listenToWordKeys(report) {
  for (const holder of [report.parts.prompt, report.parts.answer]) {
    holder.addEventListener("keydown", (event) => {
      const isSwitch = event.target instanceof Element && event.target.closest("summary");
      if (!hasModifier(event) && !isSwitch && report.text.isExplained(report.state.current))
        pressed(report, event);
    });
  }
}

/**
 * @param {Report} report
 * @param {KeyboardEvent} event
 */
function pressed(report, event) {
  const { actions, state } = report;
  const focused = placeOf(event.target);
  if (focused >= 0) state.current = focused;
  const next = placeAfterKey(report, event.key);
  const isPin = event.key === "Enter" || event.key === " ";
  if (next === null && !isPin) return;
  event.preventDefault();
  if (next === null) actions.pin(state.current);
  else walkTo(report, next);
}

/**
 * @param {Report} report
 * @param {number} at
 */
function walkTo({ actions, playback, text }, at) {
  if (playback.isPlaying) playback.stop();
  actions.walk(at);
  text.pieces[at].node?.focus({ preventScroll: false });
}

/**
 * The place that a key leads to, or null. The prompt and the answer read on as one text; Home and
 * End stay in one of them.
 * @param {Report} report
 * @param {string} key
 */
function placeAfterKey(report, key) {
  const { state, text } = report;
  /** @param {Part} part */
  const seen = (part) => text.explainedPlacesOf(part).filter((at) => !isFolded(report, at));
  const order = [...seen("prompt"), ...seen("answer")];
  const own = seen(text.pieces[state.current].part);
  const now = order.indexOf(state.current);
  const [back, on] = runsLeft(text.pieces[state.current].node) ? [RIGHT, LEFT] : [LEFT, RIGHT];
  if (key === on) return order[Math.min(now + 1, order.length - 1)];
  if (key === back) return order[Math.max(now - 1, 0)];
  if (key === "ArrowDown") return nearestOnLine(report, 1);
  if (key === "ArrowUp") return nearestOnLine(report, -1);
  if (key === "Home") return own[0];
  return key === "End" ? own[own.length - 1] : null;
}

/**
 * Whether the text around an element runs from right to left: there the next word is on the left.
 * @param {HTMLElement | null} node
 */
const runsLeft = (node) => node?.closest("[dir]")?.getAttribute("dir") === "rtl";

/**
 * The word nearest to the current one on a line below it, or above it.
 * @param {Report} report
 * @param {-1 | 1} direction
 */
function nearestOnLine(report, direction) {
  const { state, text } = report;
  const here = boxOf(text.pieces[state.current].node);
  let best = state.current;
  let least = Infinity;
  text.pieces.forEach(({ node, unit }, at) => {
    const box = boxOf(node);
    const lines = Math.round((box.top - here.top) / Math.max(here.height, 1));
    const far = Math.abs(lines) * FAR + Math.abs(middle(box) - middle(here));
    if (!unit || isFolded(report, at) || Math.sign(lines) !== direction || far >= least) return;
    [least, best] = [far, at];
  });
  return best;
}

/** @param {HTMLElement | null} node */
const boxOf = (node) => node?.getBoundingClientRect() ?? new DOMRect();

/** @param {DOMRect} box */
const middle = (box) => (box.left + box.right) / 2;
