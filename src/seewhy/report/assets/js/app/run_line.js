// The line of a job: stage, place in the queue, seconds, Stop and Cancel.

import { element } from "../shared/dom.js";
import { focusedElement } from "../shared/focus.js";
import { capitalize } from "../shared/text.js";

/** @import {JobEvent} from "./types.d.ts" */

const SECONDS_FROM = 3; // a shorter wait needs no number

export class RunLine {
  /**
   * @param {HTMLElement} place
   * @param {{cancel: () => void, stop: (() => void) | null}} does
   */
  constructor(place, does) {
    this.begin = performance.now();
    this.text = element("span", { class: "run-text" }, "Sending the question …");
    this.seconds = element("span", { class: "run-seconds number", "aria-hidden": "true" });
    this.stop = button("stop", "Stop", "Keep what is written, and explain it", does.stop);
    this.stop.hidden = true;
    this.canStop = does.stop !== null;
    this.isStopping = false;
    this.cancel = button("cancel", "Cancel", "Throw this away", does.cancel);
    const told = element("span", { class: "run-told" }, this.text, this.seconds);
    const buttons = element("span", { class: "run-buttons" }, this.stop, this.cancel);
    this.node = element("div", { class: "run-line" }, pulse(), told, buttons);
    place.replaceChildren(this.node);
    this.timer = setInterval(() => this.tick(), 1000);
  }

  /**
   * Show what was heard.
   * @param {JobEvent} event
   * @returns {string} what is new, or nothing
   */
  show(event) {
    const text = sentence(event);
    this.node.dataset.lost = String(event.type === "lost");
    if (event.type === "answer") this.offerStop(this.canStop && !this.isStopping);
    if (event.type === "stage") this.offerStop(false);
    if (this.isStopping && event.type === "answer") return "";
    if (text === this.text.textContent) return "";
    this.text.textContent = text;
    return text;
  }

  /**
   * A button that goes must not take the focus with it.
   * @param {boolean} offered
   */
  offerStop(offered) {
    const hadFocus = this.stop === focusedElement();
    this.stop.hidden = !offered;
    if (hadFocus && !offered) this.cancel.focus();
  }

  stopping() {
    this.isStopping = true;
    this.offerStop(false);
    this.text.textContent = "Stopping: what is written is explained …";
  }

  tick() {
    const seconds = Math.round((performance.now() - this.begin) / 1000);
    if (seconds >= SECONDS_FROM) this.seconds.textContent = ` ${seconds} s`;
  }

  remove() {
    clearInterval(this.timer);
    this.node.remove();
  }
}

/** @param {JobEvent} event */
function sentence(event) {
  if (event.type === "queued") return queueSentence(event.position);
  if (event.type === "answer") return "Writing …";
  if (event.type === "stage")
    return `${capitalize(event.text || "working").replace(/[.…\s]+$/u, "")} …`;
  if (event.type === "lost") return "The connection is lost. Trying again …";
  if (event.type === "back") return "The connection is back …";
  return "Reading the picture …";
}

/** @param {number} before how many jobs come first */
function queueSentence(before) {
  if (!before) return "It is your turn …";
  return before === 1
    ? "Waiting: 1 other question comes first …"
    : `Waiting: ${before} other questions come first …`;
}

/**
 * @param {string} does
 * @param {string} name
 * @param {string} title
 * @param {(() => void) | null} run
 */
const button = (does, name, title, run) =>
  element("button", { type: "button", "data-does": does, title, onclick: run }, name);

const pulse = () => element("i", { class: "pulse", "aria-hidden": "true" });
