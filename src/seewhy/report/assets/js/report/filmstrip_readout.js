// The line above a filmstrip: the step that is shown, and its share of the evidence.

import { element } from "../shared/dom.js";
import { label, percent } from "../shared/text.js";
import { chosenView, hasLowEvidence } from "./selection.js";

/** @import {Filmstrip} from "./filmstrips.js" */
/** @import {UnitData} from "./payload.d.ts" */
/** @import {Report} from "./report.js" */

/**
 * @param {Report} report
 * @param {Filmstrip} strip
 * @param {UnitData[]} units one, or two that are compared
 * @param {number} shown the view that is shown
 */
export function filmstripReadout(report, strip, units, shown) {
  const { actions, state } = report;
  const text =
    units.length === 2 ? ofTwo(report, strip, units, shown) : ofOne(report, strip, units[0], shown);
  const follow = strip.among.includes(state.selectedView ?? -1)
    ? element(
        "button",
        { type: "button", class: "follow", onclick: () => actions.selectView(null) },
        "Follow the word",
      )
    : null;
  const parts = [element("span", { class: "number" }, text), follow];
  return parts.filter((part) => part !== null);
}

/**
 * @param {Report} report
 * @param {Filmstrip} strip
 * @param {UnitData} unit
 * @param {number} shown
 */
function ofOne({ maps, views }, { among }, unit, shown) {
  const name = views.shortName(shown);
  if (hasLowEvidence(unit)) return `${name} · next to nothing`;
  const brightest = shown === maps.brightestView(unit, among) ? " · brightest" : "";
  return `${name} · ${percent(unit.shares[shown])} of the evidence${brightest}`;
}

/**
 * @param {Report} report
 * @param {Filmstrip} strip
 * @param {UnitData[]} units
 * @param {number} shown
 */
function ofTwo({ maps, state, views }, { among, clip }, units, shown) {
  if (among.includes(chosenView(state) ?? -1)) {
    const shares = units.map((unit) => `${label(unit.text)} ${percent(unit.shares[shown])}`);
    return `${views.shortName(shown)} · ${shares.join(", ")}`;
  }
  /** @param {UnitData} unit */
  const brightest = (unit) => views.shortName(maps.brightestView(unit, among));
  return units
    .map((unit) => `${label(unit.text)} brightest ${clip ? "at" : "in"} ${brightest(unit)}`)
    .join(", ");
}
