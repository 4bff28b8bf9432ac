// The question: its pictures, its prompt and its options. What a person wrote is never thrown away.

import { element } from "../shared/dom.js";
import { composerLayout, DEFAULT_PROMPT } from "./composer_layout.js";
import { Options } from "./composer_options.js";
import { Pictures } from "./composer_pictures.js";

/** @import {AppPage} from "./app.js" */
/** @import {Entry, Example, ExplainJob, RepromptJob, State, UploadedPicture} from "./types.d.ts" */

/** A question as it was asked. @typedef {{pictures: UploadedPicture[], prompt: string}} Question */
/** @typedef {{job: ExplainJob | RepromptJob, question: Question}} Asked */

const MOST_THUMBNAILS = 3;

export class Composer {
  /** @param {AppPage} app */
  constructor(app) {
    this.app = app;
    this.parts = composerLayout(app.id, app.isPage);
    this.pictures = new Pictures(this.parts.slots, app, {
      changed: () => this.picturesChanged(),
      emptied: () => this.parts.choose.focus(),
    });
    /** Known once the server has said what there is. @type {Options | null} */
    this.options = null;
    /** The entry whose pictures are asked about, where the question has none of its own. @type {Entry | null} */
    this.subject = null;
    /** Whether something was written that was not asked yet. */
    this.isDirty = false;
    this.isBusy = false;
    app.parts.ask.append(this.parts.form);
    this.connect();
    this.setMode("start");
  }

  /**
   * Offer what the server has.
   * @param {State} state
   */
  know(state) {
    this.options ??= new Options(this.parts.options, this.app.id, state);
    this.showExamples(state.examples);
  }

  connect() {
    const {
      form,
      prompt,
      choose,
      more,
      photo,
      files,
      camera,
      subject,
      toggle,
      options,
      openSaved,
      folder,
    } = this.parts;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.app.ask();
    });
    prompt.addEventListener("input", () => {
      this.isDirty = true;
      this.clearErrors();
      this.fitPrompt();
    });
    prompt.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.app.ask();
    });
    for (const button of [choose, more]) button.addEventListener("click", () => files.click());
    photo.addEventListener("click", () => camera.click());
    subject.addEventListener("click", () => this.app.changePictures());
    openSaved.addEventListener("click", () => folder.click());
    for (const input of [files, camera, folder])
      input.addEventListener("change", () => {
        this.app.take([...(input.files ?? [])]);
        input.value = ""; // the same file can be chosen again
      });
    toggle.addEventListener("click", () => {
      options.open = !options.open;
    });
    options.addEventListener("toggle", () =>
      toggle.setAttribute("aria-expanded", String(options.open)),
    );
    options.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !options.open) return;
      event.stopPropagation();
      options.open = false;
      (this.mode === "bar" ? toggle : options.querySelector("summary"))?.focus();
    });
  }

  /**
   * Large, with room for pictures; or a bar above the answer.
   * @param {"start" | "bar"} mode
   */
  setMode(mode) {
    this.mode = mode;
    this.app.root.dataset.mode = mode;
    const { ask } = this.app.parts;
    const isMain = mode === "start" && this.app.isPage;
    ask.setAttribute("role", isMain ? "main" : "search");
    if (isMain) ask.removeAttribute("aria-label");
    else ask.setAttribute("aria-label", "Question");
    if (mode === "bar") this.parts.options.open = false;
    this.parts.prompt.rows = mode === "start" ? 2 : 1;
    this.fitPrompt();
    this.draw();
  }

  /** @param {File[]} files pictures and clips */
  add(files) {
    if (!files.length) return;
    this.subject = null;
    this.isDirty = true;
    this.pictures.add(files);
    this.clearErrors();
  }

  /** @param {Example[]} examples */
  async showExamples(examples) {
    const { examples: holder } = this.parts;
    const buttons = await Promise.all(examples.map((example) => this.exampleButton(example)));
    holder.replaceChildren(
      element("p", {}, "Or try one of these"),
      element("div", { class: "example-row" }, ...buttons),
    );
    holder.dataset.any = String(buttons.length > 0);
    this.draw();
  }

  /** @param {Example} example */
  async exampleButton(example) {
    const source = await this.app.transport.address(example.url).catch(() => "");
    const image = element("img", {
      src: source || null,
      alt: "",
      draggable: "false",
      loading: "lazy",
    });
    const choose = () => {
      this.isDirty = true;
      this.clearErrors();
      this.pictures.addExample(example);
      this.parts.prompt.focus();
    };
    return element(
      "button",
      {
        type: "button",
        class: "example",
        "aria-label": example.title,
        title: example.title,
        onclick: choose,
      },
      image,
    );
  }

  picturesChanged() {
    if (!this.pictures) return; // they are being made
    if (this.pictures.slots.length) this.subject = null;
    if (!this.pictures.hasFailed) this.parts.pictureError.replaceChildren();
    this.draw();
  }

  draw() {
    const { empty, filled, drop, examples, submit, subject } = this.parts;
    const isEmpty = !this.pictures.slots.length;
    empty.hidden = !isEmpty;
    filled.hidden = isEmpty;
    drop.dataset.empty = String(isEmpty);
    examples.hidden = !isEmpty || examples.dataset.any !== "true";
    submit.setAttribute("aria-disabled", String(this.isBusy));
    this.options?.setUsable(this.subject === null);
    this.drawSubject(subject);
  }

  /** @param {HTMLButtonElement} holder */
  async drawSubject(holder) {
    const own = this.pictures.slots.map(({ preview }) => preview);
    const sources =
      own.length || !this.subject
        ? own
        : [await this.app.transport.address(this.subject.thumbnail).catch(() => "")];
    const count = Math.max(1, sources.length);
    holder.setAttribute(
      "aria-label",
      count > 1 ? `Change the ${count} pictures` : "Change the picture",
    );
    const shown = sources
      .slice(0, MOST_THUMBNAILS)
      .map((src) => element("img", { src: src || null, alt: "" }));
    const rest = sources.length - shown.length;
    holder.replaceChildren(
      ...shown,
      ...(rest > 0 ? [element("span", { class: "number" }, `+${rest}`)] : []),
    );
  }

  /**
   * Take on the question of an answer that is shown, if nothing would be lost by it.
   * @param {Entry} entry
   * @param {Question | undefined} question as it was asked on this page
   */
  follow(entry, question) {
    // An answer that is being made may fail: then its question is needed again.
    if (this.isDirty || this.isBusy) return;
    this.subject = question ? null : entry;
    this.pictures.replace(question?.pictures ?? []);
    this.parts.prompt.value = question?.prompt ?? entry.prompt;
    this.clearErrors();
    this.fitPrompt();
    this.draw();
  }

  /**
   * The question, once its pictures are with the server; null where something is missing, which is
   * told where it is missing.
   * @param {Options} options
   * @returns {Promise<Asked | null>}
   */
  async question(options) {
    this.clearErrors();
    const { prompt } = this.parts;
    const text = prompt.value.trim();
    const most = this.app.state.limits.prompt_characters ?? Infinity;
    if (text.length > most)
      return this.refuse(
        "error",
        `The question has ${text.length} characters; at most ${most} can be asked.`,
        prompt,
      );
    const wrong = options.check();
    if (wrong) return this.refuse(null, "", wrong);
    if (this.subject) return this.reprompt(this.subject, text);
    if (!this.pictures.slots.length)
      return this.refuse("pictureError", "Choose a picture first.", this.parts.choose);
    const wasBusy = this.isBusy;
    this.setBusy(true);
    await this.pictures.allSent();
    this.setBusy(wasBusy);
    const { pictures } = this.pictures;
    const limit = this.app.state.limits.pictures ?? Infinity;
    if (this.pictures.hasFailed)
      return this.refuse(
        "pictureError",
        "Remove the file that could not be read, or choose another one.",
        this.parts.more,
      );
    if (pictures.length > limit)
      return this.refuse(
        "pictureError",
        `At most ${limit} ${limit === 1 ? "picture" : "pictures"} can be asked about together: remove ${pictures.length - limit}.`,
        this.parts.more,
      );
    const asked = text || DEFAULT_PROMPT;
    const job = /** @type {ExplainJob} */ ({
      kind: "explain",
      pictures: pictures.map(({ id }) => id),
      prompt: asked,
      ...options.chosen,
    });
    return { job, question: { pictures, prompt: prompt.value } };
  }

  /**
   * @param {Entry} entry
   * @param {string} text
   * @returns {Asked | null}
   */
  reprompt(entry, text) {
    if (!entry.can_ask)
      return this.refuse(
        "error",
        `The model of this answer, ${entry.model}, is not here. Choose a picture to ask another model.`,
        this.parts.subject,
      );
    return {
      job: { kind: "reprompt", entry: entry.id, prompt: text || DEFAULT_PROMPT },
      question: { pictures: [], prompt: text },
    };
  }

  /**
   * @param {"error" | "pictureError" | null} where
   * @param {string} message
   * @param {HTMLElement} field gets the focus
   * @returns {null}
   */
  refuse(where, message, field) {
    if (where === "pictureError" && this.mode === "bar") this.app.changePictures();
    if (where) this.parts[where].replaceChildren(element("p", {}, message));
    field.focus();
    return null;
  }

  /** An answer is being made: the next question has to wait. */
  tellBusy() {
    this.parts.error.replaceChildren(
      element("p", { class: "busy" }, "Wait for the answer that is being made, or cancel it."),
    );
  }

  clearErrors() {
    for (const holder of [this.parts.error, this.parts.pictureError, this.parts.savedError])
      holder.replaceChildren();
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    this.isBusy = isBusy;
    if (!isBusy) this.parts.error.querySelector(".busy")?.remove();
    this.draw();
  }

  /** Begin another question; the prompt and the options stay. */
  clearPictures() {
    this.subject = null;
    this.pictures.replace([]);
    this.clearErrors();
  }

  /** As tall as its text, up to a limit of the style sheet. */
  fitPrompt() {
    const { prompt } = this.parts;
    prompt.style.height = "auto";
    if (prompt.value) prompt.style.height = `${prompt.scrollHeight + 2}px`;
  }
}
