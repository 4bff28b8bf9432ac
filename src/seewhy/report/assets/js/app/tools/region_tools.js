// What can be done with a region: measure what the words lose without it, or ask again.

import { element } from "../../shared/dom.js";
import { showAnswers } from "./answers_panel.js";
import { effectResult } from "./effect.js";
import { MoveTarget } from "./move_target.js";
import { note, segments, sentences, toolButton } from "./parts.js";

/** @import {Change, Fill} from "../types.d.ts" */
/** @import {RegionData} from "../../shared/regions.js" */
/** @import {Desk} from "./desk.js" */

/** @type {readonly (readonly [Change, string])[]} */
const CHANGES = [
  ["erase", "Erase"],
  ["keep", "Keep only this"],
  ["move", "Move"],
];
/** @type {readonly (readonly [Fill, string])[]} */
const FILLS = [
  ["blur", "Blur"],
  ["mean", "Mean colour"],
  ["inpaint", "Fill in from around"],
];
const NAMES = {
  erase: "Rub out and ask again",
  keep: "Keep only this and ask again",
  move: "Move and ask again",
};
const MEASURE =
  "“Measure” keeps the answer and reads each word’s probability again with the picture changed. To ask again lets the model answer anew.";

export class RegionTools {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {Change} */
    this.change = "erase";
    /** @type {Fill} */
    this.fill = "blur";
    /** @type {MoveTarget | null} */
    this.target = null;
    this.job = new AbortController();
    this.status = element("div", { class: "tool-status" });
    this.result = element("div", { class: "effect" });
    const obstacle = desk.obstacle;
    this.measure = toolButton("Measure", () => this.runEffect(), { obstacle });
    this.again = toolButton("", () => this.runChange(), { kind: "primary", obstacle });
    this.fills = segments("What takes its place", FILLS, this.fill, (fill) => this.choose({ fill }));
    this.known = note();
    const changes = segments("What is done with the region", CHANGES, this.change, (change) =>
      this.choose({ change }),
    );
    this.hint = element("p", { class: "tool-note" });
    this.node = element(
      "section",
      { class: "region-change", "aria-label": "Change the region" },
      element("h3", { class: "eyebrow" }, "And if it were not there?"),
      element("div", { class: "tool-choices" }, changes, this.fills),
      this.hint,
      element("div", { class: "tool-actions" }, this.measure, this.again),
      obstacle ? desk.reasonNote(obstacle) : note(MEASURE),
      this.known,
      this.status,
      this.result,
    );
    desk.report.slots.region.append(this.node);
    this.stop = desk.report.onRegion((region) => this.follow(region));
    desk.signal.addEventListener("abort", () => this.clear());
    this.render();
  }

  /** @param {{change?: Change, fill?: Fill}} chosen */
  choose(chosen) {
    Object.assign(this, chosen);
    this.clear();
    this.render();
  }

  /** @param {RegionData | null} region */
  follow(region) {
    this.clear();
    if (region === null) this.dropTarget();
    this.render();
  }

  /** What was measured is of another region, or of another change. */
  clear() {
    this.job.abort();
    this.result.replaceChildren();
    this.status.replaceChildren();
    this.desk.report.setTints(null);
  }

  dropTarget() {
    this.target?.remove();
    this.target = null;
  }

  render() {
    const { desk } = this;
    const { region } = desk.report;
    const isMove = this.change === "move" && region !== null;
    this.again.textContent = NAMES[this.change];
    this.fills.hidden = this.change === "keep";
    this.dropTarget();
    if (isMove && !desk.obstacle && desk.payload) this.target = new MoveTarget(desk, region);
    this.hint.hidden = !isMove;
    this.hint.textContent = "Drag the copy on the picture to where it should stand.";
    this.known.textContent = sentences(
      prefixed("Measure", desk.duration("effect")),
      prefixed("Ask again", desk.duration("change")),
    );
    this.known.hidden = this.known.textContent === "";
  }

  /** What both jobs are told, or null without a region. */
  get told() {
    const { region } = this.desk.report;
    if (region === null) return null;
    const to = this.change === "move" && this.target ? { to: this.target.middle } : {};
    return { entry: this.desk.entry.id, region, change: this.change, fill: this.fill, ...to };
  }

  /**
   * @template {import("./types.d.ts").Job} J
   * @param {J} job
   * @param {Partial<import("./types.d.ts").RunOptions>} [options]
   */
  async run(job, options = {}) {
    this.job.abort();
    this.job = new AbortController();
    const { signal } = this.job;
    const busy = [this.measure, this.again];
    const result = await this.desk.run(job, this.status, { ...options, signal }, busy);
    return signal.aborted ? null : result;
  }

  async runEffect() {
    const { told } = this;
    if (!told) return;
    this.result.replaceChildren();
    const result = await this.run({ kind: "effect", ...told });
    if (!result) return;
    this.render();
    this.result.replaceChildren(...(await effectResult(this.desk, told, result)));
    this.result.querySelector("h4")?.focus();
  }

  async runChange() {
    const { told } = this;
    if (!told) return;
    this.result.replaceChildren();
    const written = element("p", { class: "tool-written", dir: "auto" });
    this.result.append(written);
    const result = await this.run(
      { kind: "change", ...told },
      { onAnswer: (text) => written.replaceChildren(text) },
    );
    written.remove();
    if (!result) return;
    this.render();
    await showAnswers(this.desk, result, { view: told.region.view, opener: this.again });
  }

  remove() {
    this.stop();
    this.dropTarget();
    this.node.remove();
  }
}

/**
 * @param {string} name
 * @param {string} sentence
 */
const prefixed = (name, sentence) =>
  sentence ? `${name}: ${sentence[0].toLowerCase()}${sentence.slice(1)}` : "";
