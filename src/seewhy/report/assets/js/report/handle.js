// What the rest of a page does with a mounted report: the app's tools, a notebook.

import { element } from "../shared/dom.js";
import { label } from "../shared/text.js";
import { Overlays } from "./overlays.js";
import { openRegions } from "./region_bar.js";
import { sharesOf } from "./region_words.js";
import { renderTints } from "./tints.js";
import { wordOf } from "./verdicts.js";

/** @import {RegionData} from "../shared/regions.js" */
/** @import {Report} from "./report.js" */
/** @import {Candidate, ReportHandle} from "./types.d.ts" */

/** @implements {ReportHandle} */
export class Handle {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.overlays = new Overlays(report);
    /** @type {Set<(word: number | null) => void>} */
    this.onWords = new Set();
    /** @type {Set<(candidate: Candidate) => void>} */
    this.onCandidates = new Set();
    /** @type {number | null} */
    this.told = null;
    const { answerSlot, wordSlot } = report.parts;
    this.slots = { answer: answerSlot, word: wordSlot, region: report.regionPanel.slot };
  }

  get word() {
    const { state, text } = this.report;
    if (!text.isExplained(state.current)) return null;
    const found = wordOf(text, text.explained(state.current));
    return found?.part === "answer" ? found.word : null;
  }

  /** @param {number} index */
  chooseWord(index) {
    const { actions, text } = this.report;
    const { tokens } = this.report.payload.words.answer[index];
    const own = text.segmentation === "words" ? index : tokens[0];
    const at = text.pieces.findIndex((one) => one.part === "answer" && one.index === own);
    if (at >= 0) actions.choose(at);
  }

  /** @param {(word: number | null) => void} callback */
  onWord(callback) {
    return added(this.onWords, callback);
  }

  /** @param {number[] | null} values */
  setTints(values) {
    this.report.state.tints = values;
    renderTints(this.report);
  }

  /** @param {number} view */
  overlay(view) {
    return this.overlays.add(view);
  }

  /** @param {(candidate: Candidate) => void} callback */
  onCandidate(callback) {
    const stop = added(this.onCandidates, callback);
    this.offerCandidates();
    return stop;
  }

  get region() {
    return this.report.regions.region;
  }

  /** @param {RegionData | null} region */
  setRegion(region) {
    const { regions } = this.report;
    if (region && !regions.isOn) regions.open();
    regions.set(region);
  }

  /** @param {(region: RegionData | null) => void} callback */
  onRegion(callback) {
    return added(this.report.regions.listeners, callback);
  }

  drawRegion() {
    openRegions(this.report);
  }

  /** @param {RegionData} region */
  wordsFrom(region) {
    const { payload } = this.report;
    const shares = sharesOf(this.report, payload.words.answer, region);
    return shares.map((one, word) => ({ word, ...one }));
  }

  unmount() {
    this.report.unmount();
  }

  /** The report is drawn anew: its panes and its details may be others. */
  update() {
    this.overlays.place();
    this.offerCandidates();
    const { word } = this;
    if (word === this.told) return;
    this.told = word;
    for (const callback of this.onWords) callback(word);
  }

  /** Make buttons of what could have been said, if somebody wants to hear of it. */
  offerCandidates() {
    const { id, parts, payload, text } = this.report;
    const { word } = this;
    const bars = parts.details.querySelector(`#${CSS.escape(id("candidates"))}`);
    if (!this.onCandidates.size || !bars || word === null || text.segmentation !== "words") return;
    const unit = payload.words.answer[word];
    const said = payload.tokens.answer[unit.tokens[0]].text;
    bars.querySelectorAll(".name").forEach((node, i) => {
      const [other] = unit.candidates[i] ?? [said];
      if (other !== said && !node.querySelector("button")) this.offer(node, { word, text: other });
    });
  }

  /**
   * @param {Element} node
   * @param {Candidate} candidate
   */
  offer(node, candidate) {
    const said = label(this.report.payload.words.answer[candidate.word].text);
    const tell = () => {
      for (const callback of this.onCandidates) callback(candidate);
    };
    const name = `Why “${said}” and not “${label(candidate.text)}”?`;
    const traits = { type: "button", class: "candidate", title: name, "aria-label": name };
    node.replaceChildren(element("button", { ...traits, onclick: tell }, ...node.childNodes));
  }
}

/**
 * @template T
 * @param {Set<T>} set
 * @param {T} callback
 */
function added(set, callback) {
  set.add(callback);
  return () => {
    set.delete(callback);
  };
}
