// A filmstrip's steps are pointed at, selected and walked through.

import { closest, hasModifier } from "../shared/dom.js";

/** @import {Filmstrip} from "./filmstrips.js" */
/** @import {Report} from "./report.js" */

/**
 * @param {Report} report
 * @param {Filmstrip} strip
 */
export function listenToFilmstrip({ actions, state, views }, strip) {
  const { list } = strip;
  list.addEventListener("pointerover", (event) => {
    const view = viewAt(event);
    // In other layouts a view of another shape would move the strip away beneath the pointer.
    const keepsLayout = views.media.length === 1 || (strip.clip && state.pins.length < 2);
    if (view >= 0 && keepsLayout && event.pointerType === "mouse") actions.hoverView(view);
  });
  list.addEventListener("pointerleave", () => actions.hoverView(null));
  list.addEventListener("click", (event) => {
    const view = viewAt(event);
    if (view >= 0) actions.selectView(view);
  });
  list.addEventListener("keydown", (event) => {
    if (!hasModifier(event)) walk({ actions, state }, strip, event);
  });
}

/** @param {Event} event */
const viewAt = (event) => Number(closest(event, ".step")?.dataset.view ?? -1);

/**
 * @param {Pick<Report, "actions" | "state">} report
 * @param {Filmstrip} strip
 * @param {KeyboardEvent} event
 */
function walk({ actions, state }, { among, steps }, event) {
  const at = among.indexOf(viewAt(event));
  if (at < 0) return;
  const next = stepAfterKey(event.key, at, among.length - 1);
  const isSelect = event.key === "Enter" || event.key === " ";
  if (next === null && !isSelect) return;
  event.preventDefault();
  if (isSelect || state.selectedView !== among[next ?? at]) actions.selectView(among[next ?? at]);
  steps[next ?? at].node.focus();
}

/**
 * @param {string} key
 * @param {number} at
 * @param {number} last
 */
function stepAfterKey(key, at, last) {
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key === "ArrowRight" || key === "ArrowDown") return Math.min(at + 1, last);
  if (key === "ArrowLeft" || key === "ArrowUp") return Math.max(at - 1, 0);
  return null;
}
