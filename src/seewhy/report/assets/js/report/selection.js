// What a person looks at, and what follows from it.

/** @import {UnitData} from "./payload.d.ts" */
/** @import {Report} from "./report.js" */
/** @import {Display, State} from "./types.d.ts" */

/** Below this on the answer's scale a word's evidence is next to nothing. */
export const LOW_EVIDENCE = 0.25;
/** Below this a word's map does not answer to a cell that is pointed at. */
export const RESPONSE_MIN = 0.2;

/**
 * @param {string} colours name of the first colour map
 * @param {Display} display the scale of maps at first
 * @returns {State}
 */
export function initialState(colours, display) {
  return {
    current: 0,
    pins: [],
    selectedView: null,
    hoveredView: null,
    hoveredCell: null,
    style: { mode: "heat", colours, opacity: 0.8, display },
    tints: null,
    layer: null,
    layerSource: "lens",
    isThinkingOpen: false,
    tabStops: {},
  };
}

/**
 * Places of the words whose maps are shown: both pins, or the one that is looked at.
 * @param {State} state
 */
export const shownPlaces = ({ pins, current }) => (pins.length === 2 ? pins : [current]);

/**
 * Whether two pinned words are compared.
 * @param {State} state
 */
export const isComparison = ({ pins }) => pins.length === 2;

/**
 * The view that a person chose, or null where each word shows its brightest one.
 * @param {State} state
 */
export const chosenView = ({ hoveredView, selectedView }) => hoveredView ?? selectedView;

/**
 * The view whose numbers are shown.
 * @param {Report} report
 * @param {UnitData} unit
 */
export const viewOf = ({ state }, unit) => chosenView(state) ?? unit.best;

/**
 * Of some views the chosen one, or the one in which a unit is brightest.
 * @param {Report} report
 * @param {UnitData} unit
 * @param {number[]} among
 */
export function shownView({ state, maps }, unit, among) {
  const chosen = chosenView(state);
  return chosen !== null && among.includes(chosen) ? chosen : maps.brightestView(unit, among);
}

/**
 * The layer whose map of a unit is shown, or null where its own map is.
 * @param {State} state
 * @param {UnitData} unit
 */
export const shownLayer = (state, unit) =>
  state.layer === null || isComparison(state) || !unit.layers?.[state.layer] ? null : state.layer;

/** @param {UnitData} unit */
export const hasLowEvidence = (unit) => unit.brightness < LOW_EVIDENCE;

/**
 * The part of a unit's evidence that some views hold.
 * @param {UnitData} unit
 * @param {number[]} views
 */
export const shareOf = (unit, views) => views.reduce((sum, view) => sum + unit.shares[view], 0);
