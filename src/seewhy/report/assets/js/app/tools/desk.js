// What all tools of a shown answer work with: the app, the report, and one panel at a time.

import { element } from "../../shared/dom.js";
import { focusedElement } from "../../shared/focus.js";
import { asAppError, failureNote } from "../failures.js";
import { durationNote, keepDuration } from "./durations.js";

/** @import {App, Entry, Job, Payload, Result, RunOptions} from "./types.d.ts" */
/** @import {ReportHandle} from "../../report/types.d.ts" */
/** @import {Panel} from "./panel.js" */

export class Desk {
  /**
   * @param {App} app
   * @param {ReportHandle} report
   * @param {Entry} entry
   * @param {HTMLElement} place
   * @param {AbortSignal} signal aborted when another answer is shown
   */
  constructor(app, report, entry, place, signal) {
    this.app = app;
    this.report = report;
    this.entry = entry;
    this.place = place;
    this.signal = signal;
    /** A place before the report: what is shown there has styles of its own. */
    this.outside = element("div", { class: "tool-place" });
    place.closest(".seewhy-report")?.before(this.outside);
    /** @type {Panel | null} */
    this.panel = null;
    /** @type {Payload | null} */
    this.payload = null;
    app.read(entry.id).then(
      ({ payload }) => {
        this.payload = payload;
      },
      () => {}, // the report is shown, so it was read
    );
  }

  /** Why nothing can be asked of the model, or nothing where something can. */
  get obstacle() {
    if (this.entry.can_ask) return "";
    return `This answer was opened from a saved folder, and its model “${this.entry.model}” is not here, so nothing more can be asked of it.`;
  }

  /**
   * Why this method cannot contrast, or nothing where it can.
   */
  get contrastObstacle() {
    const name = this.entry.method.split("(")[0];
    const method = this.app.state.methods.find((one) => one.name === name);
    if (this.obstacle || !method || method.can_contrast) return this.obstacle;
    return `The method “${method.title}” cannot explain one word against another. Ask again with another method.`;
  }

  /**
   * Have one panel open; the one before it closes.
   * @param {Panel} panel
   */
  open(panel) {
    if (this.panel && this.panel !== panel) this.panel.close();
    this.panel = panel;
  }

  /**
   * Run a job for this answer; its line is drawn in `status`, and so is its failure. It ends when
   * another answer is shown. Meanwhile `busy` cannot be pressed; the one that had the focus hands it
   * to the line, and gets it back if nothing came of it.
   * @template {Job} J
   * @param {J} job
   * @param {HTMLElement} status
   * @param {Partial<RunOptions>} options
   * @param {HTMLButtonElement[]} busy
   * @returns {Promise<Result<J> | null>} null where it failed or was cancelled
   */
  async run(job, status, options, busy) {
    const focused = busy.find((button) => button === focusedElement());
    for (const button of busy) button.disabled = true;
    const running = this.attempt(job, status, options);
    const cancel = status.querySelector("button:not([hidden])");
    if (focused && cancel instanceof HTMLElement) cancel.focus();
    const result = await running;
    for (const button of busy) button.disabled = false;
    // The line is gone, and the focus with it: to the page, or to the host of a shadow root.
    const now = focusedElement();
    if (result === null && (now === document.body || now?.shadowRoot)) focused?.focus();
    return result;
  }

  /**
   * @template {Job} J
   * @param {J} job
   * @param {HTMLElement} status
   * @param {Partial<RunOptions>} options
   * @returns {Promise<Result<J> | null>}
   */
  async attempt(job, status, options) {
    const began = performance.now();
    const signals = [this.signal, ...(options.signal ? [options.signal] : [])];
    const signal = AbortSignal.any(signals);
    try {
      const result = await this.app.run(job, { place: status, ...options, signal });
      keepDuration(this.app, job.kind, this.entry, (performance.now() - began) / 1000);
      return this.signal.aborted ? null : result;
    } catch (error) {
      const failure = asAppError(error);
      if (failure.kind !== "cancelled") status.replaceChildren(failureNote(failure));
      else if (!this.signal.aborted) this.app.announce("Cancelled");
      return null;
    }
  }

  /**
   * What is known of how long a job takes.
   * @param {Job["kind"]} kind
   */
  duration(kind) {
    return durationNote(this.app, kind, this.entry);
  }

  /**
   * A word of the answer, as it is written.
   * @param {number} word
   */
  textOf(word) {
    return this.payload?.words.answer[word]?.text.trim() ?? "";
  }

  /**
   * Why a tool cannot be used, beside the tool.
   * @param {string} reason
   */
  reasonNote(reason) {
    return element("p", { class: "tool-reason" }, reason);
  }

  remove() {
    this.panel?.close();
    this.place.replaceChildren();
    this.outside.remove();
  }
}
