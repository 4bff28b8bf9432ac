// The region that a person draws on a picture, and the mode in which it is drawn.

import { boundsOf } from "../shared/regions.js";
import { announceRegion, renderRegionPanel } from "./region_panel.js";
import { renderRegionBar } from "./region_bar.js";
import { renderRegionMarks } from "./region_marks.js";
import { renderTints } from "./tints.js";
import { wordsFrom } from "./region_words.js";
import { regionOfWord } from "./word_region.js";

/** @import {RegionData} from "../shared/regions.js" */
/** @import {Report} from "./report.js" */
/** @import {RegionShape} from "./types.d.ts" */
/** @import {WordShare} from "./region_words.js" */

const LEVEL = 0.5; // of a map's maximum: above it is the word's region
const ANNOUNCE_MS = 350; // a key that is held down announces once

export class RegionTool {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.isOn = false;
    /** Whether the picture is shown without a map, to draw on, until a word is looked at. */
    this.isBare = false;
    /** @type {RegionShape} */
    this.shape = "box";
    /** @type {RegionData | null} */
    this.region = null;
    /** The word whose region it is, by its place, if a person did not draw it. */
    this.ofPlace = -1;
    this.level = LEVEL;
    /** @type {WordShare[]} */
    this.words = [];
    /** @type {Set<(region: RegionData | null) => void>} */
    this.listeners = new Set();
    this.timer = 0;
    this.frame = 0;
    report.signal.addEventListener("abort", () => this.stop());
  }

  stop() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.listeners.clear();
  }

  /**
   * Begin to draw regions.
   * @param {RegionShape} [shape]
   */
  open(shape = this.shape) {
    if (!this.report.text.isExplained(this.report.state.current)) return;
    Object.assign(this, { isOn: true, isBare: true, shape });
    this.report.actions.hoverCell(null);
    this.render();
  }

  /** Forget the region, and point at words again. */
  close() {
    this.isOn = false;
    this.set(null);
  }

  /** A word is looked at: its map is shown. */
  showMap() {
    if (!this.isBare) return;
    this.isBare = false;
    this.render();
  }

  /** Take back the last step: the region first, then the mode. */
  back() {
    if (this.region) this.set(null);
    else this.close();
  }

  /**
   * @param {RegionData | null} region
   * @param {boolean} [isDone] whether it will not change in the next moment
   */
  set(region, isDone = true) {
    Object.assign(this, { ofPlace: -1, isBare: this.isOn });
    this.show(region, isDone);
  }

  /**
   * Show the region of a word: where its map is above a part of its maximum.
   * @param {number} at
   * @param {number} [level] in (0, 1)
   */
  showWord(at, level = this.level) {
    const region = regionOfWord(this.report, at, level);
    if (!region) return;
    Object.assign(this, { isOn: true, isBare: false, level, ofPlace: at });
    this.show(region, true);
  }

  /**
   * @param {RegionData | null} region
   * @param {boolean} isDone
   */
  show(region, isDone) {
    this.region = region;
    if (region && isDone) this.stayInClip(region.view);
    this.count();
    if (isDone) this.render();
    else this.renderSoon();
    if (isDone) this.settle();
  }

  /** Count how much of each word comes from the region. */
  count() {
    this.words = this.region ? wordsFrom(this.report, this.region) : [];
  }

  /** Words became tokens, or tokens words. */
  recount() {
    if (this.ofPlace >= 0) this.ofPlace = -1;
    this.count();
    this.render();
  }

  /** A clip stays at the step that has the region; elsewhere each word would show its own step.
   * @param {number} view */
  stayInClip(view) {
    const { actions, state, views } = this.report;
    if (views.all[view].clip && state.selectedView !== view) actions.selectView(view);
  }

  /** Tell what came of it, once it rests. */
  settle() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => announceRegion(this.report), ANNOUNCE_MS);
    for (const listener of this.listeners) listener(this.region);
  }

  renderSoon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.render());
  }

  render() {
    cancelAnimationFrame(this.frame);
    renderRegionBar(this.report);
    renderRegionMarks(this.report);
    renderRegionPanel(this.report);
    renderTints(this.report);
  }

  /** Its box, in pixels of the picture. */
  get bounds() {
    return this.region && boundsOf(this.region);
  }
}
