// The answer while it is written: a report without words yet, so that the report that follows has
// everything where it was.

import { element } from "../shared/dom.js";
import { inRows, paneRows } from "../report/pane_rows.js";
import { Report } from "../report/report.js";
import { setScript } from "../report/scripts.js";
import { failureNote } from "./failures.js";
import { livePayload } from "./live_payload.js";

/** @import {UploadedPicture} from "./types.d.ts" */
/** @typedef {UploadedPicture & {source: string}} LivePicture */

const LONG_ANSWER = 220; // characters: as the report has it
const REVEALED = 0.6; // of the window's height: an answer that begins further down has no room
const SCRIPT_IS_CLEAR = 400; // characters: more of them do not change the direction

export class Live {
  /**
   * @param {HTMLElement} stage
   * @param {{pictures: LivePicture[], prompt: string, model: string, method: string}} asked
   */
  constructor(stage, { pictures, prompt, model, method }) {
    this.node = element("div", { class: "entry live-entry", "aria-busy": "true" });
    this.status = element("div", { class: "live-status" });
    this.text = "";
    this.prompt = prompt;
    stage.append(this.node);
    const payload = livePayload(pictures, prompt, model, method);
    this.report = new Report(this.node, payload, { keyboard: "off" });
    this.ready = this.draw(pictures);
  }

  /** @param {LivePicture[]} pictures */
  async draw(pictures) {
    const { parts, views } = this.report;
    // Nothing of it can be used yet; it keeps its place.
    for (const node of [parts.play, parts.segmentation, parts.helpButton]) node.inert = true;
    for (const node of this.node.querySelectorAll(".viewer > :not(.viewer-pictures)"))
      if (node instanceof HTMLElement) node.inert = true;
    parts.answer.removeAttribute("role");
    parts.answer.removeAttribute("aria-multiselectable");
    parts.hint.replaceWith(this.status);
    const several = pictures.length > 1;
    const nodes = pictures.map((picture, i) => pane(picture, several ? views.all[i].name : ""));
    const contents = pictures.map((_, view) => ({ at: 0, view, medium: null }));
    const rows = inRows(contents, contents.length === 4 ? 2 : 3);
    parts.panes.replaceChildren(...paneRows(rows, nodes, views));
    // What cannot be shown keeps its place: the answer is what counts.
    await this.report.start().catch(() => {});
    parts.region.bar.hidden = false;
    this.reveal();
  }

  /** Where the window is small, what is above the picture makes room for the answer. */
  reveal() {
    const { answer, panes } = this.report.parts;
    const { top } = answer.getBoundingClientRect();
    if (this.node.hidden || (top >= 0 && top < innerHeight * REVEALED)) return;
    scrollBy({ top: panes.getBoundingClientRect().top - 8, behavior: "instant" });
  }

  /**
   * @param {string} text the answer so far, whole
   */
  write(text) {
    const { answer } = this.report.parts;
    const follows = this.isEndInSight();
    if (!text.startsWith(this.text)) {
      answer.replaceChildren();
      this.text = "";
    }
    const added = text.slice(this.text.length);
    if (added) answer.append(element("span", { class: "fresh-word" }, added));
    this.text = text;
    if (text) this.node.dataset.begun = "";
    answer.dataset.length = text.length > LONG_ANSWER ? "long" : "short";
    if (text.length < SCRIPT_IS_CLEAR) setScript(answer, text);
    if (follows) this.keepEndInSight();
  }

  answerTop() {
    return this.report.parts.answer.getBoundingClientRect().top;
  }

  isEndInSight() {
    const { bottom, top } = this.status.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  }

  /** A person who reads along sees the next line; one who scrolled away is left alone. */
  keepEndInSight() {
    const below = this.status.getBoundingClientRect().bottom - innerHeight;
    if (below > 0) scrollBy({ top: below + 8, behavior: "instant" });
  }

  /** The words are there, the maps are not. */
  finishWriting() {
    this.node.dataset.written = "";
  }

  /**
   * @param {unknown} error
   * @param {...[string, () => void]} actions
   */
  fail(error, ...actions) {
    this.node.setAttribute("aria-busy", "false");
    this.node.dataset.failed = "";
    this.status.replaceChildren(failureNote(error, ...actions));
  }

  unmount() {
    this.report.unmount();
    this.node.remove();
  }
}

/**
 * A picture as the report's panes show it.
 * @param {LivePicture} picture
 * @param {string} told beneath it
 */
function pane({ source, width, height, name }, told) {
  const image = element("img", { src: source, alt: name, draggable: "false", decoding: "async" });
  const frame = element("div", { class: "picture-frame", "--ratio": width / height }, image);
  const caption = element("figcaption", { hidden: !told }, told);
  return element("figure", { class: "pane" }, frame, caption);
}
