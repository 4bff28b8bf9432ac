// The caption of a pane: a pinned word, or a view's name and its share of the evidence.

import { element } from "../shared/dom.js";
import { capitalize, label, percent } from "../shared/text.js";
import { isSelected } from "./pane_rows.js";
import { hasLowEvidence, shareOf } from "./selection.js";

/** @import {PaneContent} from "./pane_rows.js" */
/** @import {Report} from "./report.js" */
/** @import {Medium} from "./views.js" */

/**
 * @param {Report} report
 * @param {PaneContent} content
 * @returns {(Node | string)[]}
 */
export function paneCaption(report, { at, view, medium }) {
  const { views, text } = report;
  const unit = text.unit(at);
  if (!views.several) return [label(unit.text)];
  if (medium === null)
    return [label(unit.text), element("span", { class: "pane-view" }, views.all[view].name)];
  const share = hasLowEvidence(unit)
    ? "next to nothing"
    : `${percent(shareOf(unit, medium.views))} of the evidence`;
  return [enlargeButton(report, view, medium), element("span", { class: "share" }, share)];
}

/**
 * @param {Report} report
 * @param {number} view
 * @param {Medium} medium
 */
function enlargeButton({ actions, state, views }, view, medium) {
  const isLarge = isSelected(medium, state.selectedView);
  const name = views.media.length === 1 ? views.shortName(view) : views.all[view].name;
  return element(
    "button",
    {
      type: "button",
      class: "enlarge",
      "aria-pressed": String(isLarge),
      title: isLarge ? "Show all of them" : "Show it large",
      onclick: () => actions.selectView(view),
    },
    capitalize(name),
  );
}
