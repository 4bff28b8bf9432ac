// One mounted comparison: its payload, the chosen word, and the parts that draw it.

import { element } from "../shared/dom.js";
import { mountRoot } from "../shared/root.js";
import { applyTheme } from "../shared/theme.js";
import { answer, percent } from "./words.js";

/** @import {ComparedView, ComparisonPayload} from "./payload.d.ts" */
/** @import {Options} from "./types.d.ts" */

export class Comparison {
  /**
   * @param {Element} container
   * @param {ComparisonPayload} payload
   * @param {Options} options
   */
  constructor(container, payload, options) {
    const { root, themed, id } = mountRoot(container, "seewhy-comparison", options.idPrefix);
    this.root = root;
    this.payload = payload;
    const toggle = applyTheme(themed, options.theme ?? "system", options.rememberTheme ?? false);
    const { node, buttons } = answer(payload, (index) => this.choose(index));
    this.buttons = buttons;
    this.numbers = element("p", { class: "numbers", "aria-live": "polite", id: id("numbers") });
    this.maps = element("div", { id: id("maps") });
    root.append(
      this.top(toggle),
      ...this.warnings(),
      ...this.intro(),
      node,
      this.numbers,
      this.maps,
      ...this.notes(),
    );
    if (payload.words.length) this.choose(this.mostChanged());
  }

  /** @param {() => void} toggle */
  top(toggle) {
    const theme = element("button", { type: "button", onclick: toggle }, "Light or dark");
    return element(
      "header",
      { class: "topbar" },
      element("h1", { class: "brand" }, "see", element("b", {}, "why")),
      element("p", { class: "source" }, `one answer by two models, ${this.payload.method}`),
      element("div", { class: "tools" }, theme),
    );
  }

  intro() {
    const [first, second] = this.payload.models;
    return [
      element("p", { class: "eyebrow" }, "Prompt"),
      element("p", { dir: "auto" }, this.payload.prompt),
      element("p", { class: "eyebrow" }, "Answer"),
      element(
        "p",
        { class: "notes" },
        `First: ${first.name}. Second: ${second.name}. Words are tinted by their probability: `,
        element("span", { class: "key", "data-change": "lower" }),
        " lower by the second, ",
        element("span", { class: "key", "data-change": "higher" }),
        " higher.",
      ),
    ];
  }

  /** The word whose map changes most. */
  mostChanged() {
    const sizes = this.payload.words.map(({ change }) => Math.abs(change));
    return sizes.indexOf(Math.max(...sizes));
  }

  /** @param {number} index */
  choose(index) {
    const word = this.payload.words[index];
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
    const [first, second] = word.probabilities.map(percent);
    this.numbers.textContent = `“${word.text}”: ${first} by the first model, ${second} by the second. Largest value of both maps ${word.peak}, largest change ${word.change}.`;
    this.maps.replaceChildren(...word.views.map((view, at) => this.panes(view, at)));
  }

  /**
   * @param {ComparedView} view
   * @param {number} at which of the pictures
   */
  panes(view, at) {
    const [first, second] = this.payload.models;
    return element(
      "div",
      { class: "panes" },
      this.pane(at, view.first, `First: ${first.name}`, "first"),
      this.pane(at, view.second, `Second: ${second.name}`, "second"),
      this.pane(at, view.difference, "Second minus first: blue less, orange more", "difference"),
    );
  }

  /**
   * @param {number} at
   * @param {string} map
   * @param {string} caption
   * @param {string} kind
   */
  pane(at, map, caption, kind) {
    const { source, width, height } = this.payload.pictures[at];
    const faded = kind === "difference" ? "picture faded" : "picture";
    return element(
      "figure",
      { "data-kind": kind },
      element(
        "div",
        { class: faded },
        element("img", { class: "base", src: source, width, height, alt: "" }),
        element("img", { class: "map", src: map, alt: caption }),
      ),
      element("figcaption", {}, caption),
    );
  }

  /** What must be known before anything else. */
  warnings() {
    const { warnings } = this.payload;
    if (!warnings.length) return [];
    const lines = warnings.map((warning) => element("p", {}, warning));
    return [element("section", { class: "warnings", "aria-label": "Read this first" }, ...lines)];
  }

  notes() {
    const said = this.payload.models.flatMap(({ notes }, at) =>
      notes
        .filter((note) => !this.payload.warnings.includes(note))
        .map((note) => `${at ? "Second" : "First"} model: ${note}`),
    );
    const notes = [...this.payload.notes, ...said];
    if (!notes.length) return [];
    const items = notes.map((note) => element("li", {}, note));
    return [element("h2", {}, "Notes"), element("ul", { class: "notes" }, ...items)];
  }

  unmount() {
    this.root.remove();
  }
}
