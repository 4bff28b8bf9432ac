// What a person does: each action changes the state and draws what follows from it.

import { clamp } from "../shared/text.js";
import { announce } from "./announcement.js";
import { writeLink } from "./links.js";
import { drawTiles, layOutTiles } from "./overview.js";
import { renderDetails } from "./details.js";
import { render, renderLayer, renderStyle, renderViews } from "./render.js";
import { shownPlaces, viewOf } from "./selection.js";
import { layOutText } from "./text_layout.js";
import { renderTints } from "./tints.js";

/** @import {Report} from "./report.js" */
/** @import {Cell, LayerSource, Segmentation, Style} from "./types.d.ts" */

const TILES_DELAY_MS = 60;

export class Actions {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.tilesTimer = 0;
    report.signal.addEventListener("abort", () => clearTimeout(this.tilesTimer));
  }

  /**
   * Look at a word.
   * @param {number} at
   */
  look(at) {
    const { regions, state } = this.report;
    regions.showMap();
    if (at === state.current) return;
    state.current = at;
    render(this.report);
  }

  /**
   * Look at a word as a choice of its own: it is told and kept in the address.
   * @param {number} at
   */
  choose(at) {
    this.look(at);
    this.settle();
  }

  /**
   * Look at a word by keyboard; what is pinned stays in the address.
   * @param {number} at
   */
  walk(at) {
    this.look(at);
    announce(this.report);
    if (!this.report.state.pins.length) writeLink(this.report);
  }

  /**
   * Pin a word, or unpin it. The first pin stays, so that many words can be compared with it.
   * @param {number} at
   */
  pin(at) {
    const { regions, state } = this.report;
    regions.showMap();
    if (state.pins.includes(at)) state.pins = state.pins.filter((pinned) => pinned !== at);
    else state.pins = [...state.pins.slice(0, 1), at];
    state.current = at;
    render(this.report);
    this.settle();
  }

  /**
   * Unpin everything and look at a word.
   * @param {number} at
   */
  readFrom(at) {
    Object.assign(this.report.state, { pins: [], current: at });
    render(this.report);
  }

  clearPins() {
    const { state, text } = this.report;
    state.pins = [];
    render(this.report);
    writeLink(this.report);
    text.pieces[state.current].node?.focus();
  }

  /**
   * Look at one view with every word; the same again, or null, lets each word show its brightest.
   * @param {number | null} view
   */
  selectView(view) {
    const { state } = this.report;
    state.selectedView = state.selectedView === view ? null : view;
    state.hoveredView = null;
    renderViews(this.report);
    renderDetails(this.report);
    writeLink(this.report);
  }

  /**
   * Point at a view in a filmstrip.
   * @param {number | null} view
   */
  hoverView(view) {
    const { state, text } = this.report;
    if (state.hoveredView === view) return;
    state.hoveredView = view;
    if (text.isExplained(state.current)) renderViews(this.report);
  }

  /**
   * Point at a cell of a picture.
   * @param {Cell | null} cell
   */
  hoverCell(cell) {
    const { state } = this.report;
    const known = state.hoveredCell;
    if (known?.view === cell?.view && known?.cell === cell?.cell) return;
    state.hoveredCell = cell;
    renderTints(this.report);
  }

  /**
   * Show a layer's map in place of a word's own, or with null the word's own again.
   * @param {number | null} layer
   */
  showLayer(layer) {
    const { state } = this.report;
    if (state.layer === layer) return;
    state.layer = layer;
    renderLayer(this.report);
  }

  /**
   * Show what could be read at a layer, or what was taken there.
   * @param {LayerSource} source
   */
  setLayerSource(source) {
    this.report.state.layerSource = source;
    renderLayer(this.report);
  }

  /**
   * Select the view before, or the one after.
   * @param {-1 | 1} by
   */
  stepView(by) {
    const { state, text, views } = this.report;
    if (!views.several || !text.isExplained(state.current)) return;
    const now = viewOf(this.report, text.unit(shownPlaces(state)[0]));
    const next = Math.min(Math.max(now + by, 0), views.all.length - 1);
    if (state.selectedView !== next) this.selectView(next);
  }

  /**
   * Cut the text into words or tokens, and keep looking at the same characters.
   * @param {Segmentation} segmentation
   */
  setSegmentation(segmentation) {
    const { regions, state, text } = this.report;
    if (segmentation === text.segmentation) return;
    const { part, start } = text.pieces[state.current] ?? { part: "answer", start: 0 };
    text.segment(segmentation);
    state.pins = [];
    state.tabStops = {};
    layOutText(this.report);
    const own = text.explainedPlacesOf(part);
    state.current = own.find((at) => text.pieces[at].end > start) ?? own[0] ?? text.firstPlace();
    regions.recount();
    render(this.report);
    writeLink(this.report);
    this.tilesFollow();
  }

  /** Lay out the overview anew, and mark its tiles, once the text is to be seen. */
  tilesFollow() {
    requestAnimationFrame(() =>
      setTimeout(() => {
        if (this.report.signal.aborted) return;
        layOutTiles(this.report);
        renderTints(this.report);
      }),
    );
  }

  /** Lay out the text and the overview anew. */
  layOut() {
    layOutText(this.report);
    layOutTiles(this.report);
  }

  /**
   * Change how maps are drawn.
   * @param {Partial<Style>} change
   */
  setStyle(change) {
    const { painter, parts, state } = this.report;
    state.style = { ...state.style, ...change };
    parts.ramp.style.background = painter.gradient(state.style.colours);
    renderStyle(this.report);
    // A long answer has hundreds of tiles: they follow once the slider rests.
    clearTimeout(this.tilesTimer);
    this.tilesTimer = setTimeout(() => drawTiles(this.report), TILES_DELAY_MS);
  }

  /**
   * Make the maps stronger or weaker.
   * @param {number} by from -1 to 1
   */
  shiftOpacity(by) {
    const { opacity } = this.report.parts;
    opacity.value = String(Number(opacity.value) + 100 * by);
    this.setStyle({ opacity: clamp(Number(opacity.value) / 100) });
  }

  /** Tell and keep what is looked at. */
  settle() {
    writeLink(this.report);
    announce(this.report);
  }
}
