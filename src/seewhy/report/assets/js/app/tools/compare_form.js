// Side by side: what is to be compared, and the comparison.

import { mount } from "../../comparison/mount.js";
import { element } from "../../shared/dom.js";
import { failureNote } from "../failures.js";
import { shortened } from "../shortened.js";
import { Panel } from "./panel.js";
import { note, segments } from "./parts.js";

/** @import {CompareJob, CompareResult, UploadedPicture} from "../types.d.ts" */
/** @import {Desk} from "./desk.js" */
/** @typedef {"methods" | "models" | "pictures" | "entries"} Kind */
/** Something that can stand beside the answer.
 * @typedef {{value: string, name: string, about?: string, image?: string}} Choice */

const MOST = 4; // columns
/** @type {readonly (readonly [Kind, string])[]} */
const KINDS = [
  ["methods", "Methods"],
  ["models", "Models"],
  ["pictures", "Pictures"],
  ["entries", "Answers"],
];
/** @type {Record<Kind, string>} */
const NOTES = {
  methods: "The same answer, explained by each of these methods.",
  models: "The same answer, read by each of these models.",
  pictures: "The same answer, read with each of these pictures; or an answer of its own for each.",
  entries: "This answer beside others of this sitting.",
};

export class CompareForm {
  /**
   * @param {Desk} desk
   * @param {HTMLElement} opener
   */
  constructor(desk, opener) {
    this.desk = desk;
    this.opener = opener;
    /** @type {Kind} */
    this.kind = desk.obstacle ? "entries" : "methods";
    /** @type {UploadedPicture[]} */
    this.pictures = [];
    this.ownAnswers = false;
    /** @type {Set<string>} */
    this.chosen = new Set();
    this.list = element("div", { class: "compare-choices" });
    this.reason = element("p", { class: "tool-reason", role: "status" });
    this.about = note();
    this.go = element("button", { type: "submit", class: "tool primary" }, "Compare");
    const kinds = segments("What is compared", KINDS, this.kind, (kind) => this.choose(kind));
    const form = element(
      "form",
      { class: "edit-form" },
      kinds,
      this.about,
      this.list,
      element("div", { class: "tool-actions" }, this.go, this.reason),
    );
    const holder = desk.report.slots.answer;
    this.panel = new Panel(desk, { name: "compare", title: "Side by side", holder, opener }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    this.choose(this.kind);
    const first = kinds.querySelector('[tabindex="0"]');
    if (first instanceof HTMLElement) first.focus();
  }

  /** @param {Kind} kind */
  choose(kind) {
    this.kind = kind;
    this.chosen = new Set(this.own === null ? [] : [this.own]);
    this.draw();
  }

  /** The value that stands for the shown answer, among those of its kind. */
  get own() {
    const { entry } = this.desk;
    if (this.kind === "methods") return entry.method.split("(")[0];
    if (this.kind === "models") return entry.model;
    return this.kind === "entries" ? entry.id : null;
  }

  /** @returns {Choice[]} */
  get choices() {
    const { app, entry } = this.desk;
    const { state } = app;
    if (this.kind === "methods")
      return state.methods.map(({ name, title, speed }) => ({
        value: name,
        name,
        about: speed === "slow" ? `${title} (slow)` : title,
      }));
    if (this.kind === "models")
      return state.models.map(({ name, loaded }) => ({
        value: name,
        name,
        about: loaded ? "" : "is loaded first",
      }));
    if (this.kind === "pictures")
      return this.pictures.map(({ id, name, url }) => ({ value: id, name, image: url }));
    return [entry, ...state.entries.filter(({ id }) => id !== entry.id).reverse()].map((one) => ({
      value: one.id,
      name: shortened(one.answer, 60),
      about: one.change ?? one.prompt,
      image: one.thumbnail,
    }));
  }

  /** Why this kind cannot be compared, or nothing. */
  get obstacle() {
    const { desk } = this;
    if (this.kind !== "entries" && desk.obstacle) return desk.obstacle;
    const others = this.choices.filter(({ value }) => value !== this.own);
    if (this.kind === "pictures" || others.length) return "";
    if (this.kind === "models")
      return "There is one model only. Start “seewhy app” with several --model to compare them.";
    if (this.kind === "entries") return "There is one answer only. Ask something else first.";
    return "There is one method only.";
  }

  draw() {
    const { obstacle } = this;
    this.about.textContent = NOTES[this.kind];
    this.list.replaceChildren(
      ...(obstacle ? [] : this.choices.map((choice) => this.row(choice))),
      ...(this.kind === "pictures" && !obstacle ? [this.chooser(), this.ownAnswersRow()] : []),
    );
    this.follow();
  }

  /** @param {Choice} choice */
  row({ value, name, about, image }) {
    const isOwn = value === this.own;
    const box = element("input", {
      type: "checkbox",
      value,
      checked: this.chosen.has(value),
      disabled: isOwn,
    });
    box.addEventListener("change", () => {
      if (box.checked) this.chosen.add(value);
      else this.chosen.delete(value);
      this.follow();
    });
    const picture = image ? element("img", { alt: "" }) : null;
    if (image && picture)
      this.desk.app.transport.address(image).then(
        (address) => picture.setAttribute("src", address),
        () => {}, // the name says what it is
      );
    return element(
      "label",
      { class: "compare-choice", "data-own": String(isOwn) },
      box,
      picture,
      element("span", { dir: "auto" }, name),
      element("small", { dir: "auto" }, [isOwn ? "this one" : "", about].filter(Boolean).join(" · ")),
    );
  }

  /** What can be pressed depends on how many are chosen. */
  follow() {
    const columns = this.chosen.size + (this.own === null ? 1 : 0);
    const isFull = columns >= MOST;
    for (const box of this.list.querySelectorAll("input"))
      if (box.type === "checkbox" && !box.classList.contains("own-answers")) box.disabled = box.value === this.own || (isFull && !box.checked);
    const { obstacle } = this;
    this.go.hidden = Boolean(obstacle);
    this.go.disabled = columns < 2;
    const what = KINDS.find(([kind]) => kind === this.kind)?.[1].toLowerCase();
    this.reason.textContent =
      obstacle || (columns < 2 ? `Choose one to three more ${what}.` : isFull ? "Four is the most." : this.desk.duration("compare"));
  }

  /** What the job is told of answers: only with pictures there is a choice. */
  get ownAnswersTold() {
    return this.kind === "pictures" && this.ownAnswers ? { own_answers: true } : {};
  }

  ownAnswersRow() {
    const box = element("input", { type: "checkbox", checked: this.ownAnswers });
    box.classList.add("own-answers");
    box.addEventListener("change", () => {
      this.ownAnswers = box.checked;
    });
    return element("label", { class: "compare-choice" }, box, "Let the model answer about each picture");
  }

  /** A button for files of pictures. */
  chooser() {
    const input = element("input", { type: "file", accept: "image/*", multiple: true, class: "visually-hidden", tabindex: "-1" });
    input.addEventListener("change", () => this.add([...(input.files ?? [])]));
    const button = element("button", { type: "button", class: "tool" }, "Choose pictures");
    button.addEventListener("click", () => input.click());
    return element("div", { class: "compare-files" }, button, input);
  }

  /** @param {File[]} files */
  async add(files) {
    for (const file of files.slice(0, MOST - 1 - this.pictures.length)) {
      try {
        const picture = await this.desk.app.upload(file);
        this.pictures.push(picture);
        this.chosen.add(picture.id);
      } catch (error) {
        this.panel.status.replaceChildren(failureNote(error));
      }
    }
    if (this.kind === "pictures") this.draw();
  }

  async run() {
    const { desk, kind } = this;
    const { entry } = desk;
    // The server puts the shown answer first where it is not named.
    const others = [...this.chosen].filter((value) => value !== this.own);
    const told =
      kind === "entries"
        ? { entries: [entry.id, ...others] }
        : { entry: entry.id, [kind]: others, ...this.ownAnswersTold };
    const job = /** @type {CompareJob} */ ({ kind: "compare", ...told });
    const result = await this.panel.run(job, [this.go]);
    if (result) await showComparison(desk, result, this.opener);
  }
}

/**
 * @param {Desk} desk
 * @param {CompareResult} result
 * @param {HTMLElement} opener
 */
export async function showComparison(desk, result, opener) {
  const address = await desk.app.transport.address(result.url);
  const holder = element("div", { class: "comparison-holder" });
  const link = element(
    "a",
    { class: "tool", href: address, target: "_blank", rel: "noopener" },
    "On its own page",
  );
  const panel = new Panel(
    desk,
    { name: "comparison", title: "Side by side", holder: desk.outside, opener },
    holder,
  );
  panel.heading.after(link);
  const mounted = mount(holder, result.comparison, { topBar: false });
  panel.closed.push(() => mounted.unmount());
  await mounted.ready;
  panel.reach();
}
