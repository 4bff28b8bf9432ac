// What is folded away: the model, the method, a given answer, its length, and what more to find out.

import { element } from "../shared/dom.js";

/** @import {MakeId} from "./layout.js" */
/** @import {ExplainJob, State} from "./types.d.ts" */

/** @typedef {Omit<ExplainJob, "kind" | "pictures" | "prompt">} Chosen */

export class Options {
  /**
   * @param {HTMLDetailsElement} holder
   * @param {MakeId} id
   * @param {State} state
   */
  constructor(holder, id, state) {
    this.state = state;
    this.holder = holder;
    this.model = select(
      id("model"),
      state.models.map(({ name, shipped }) => [
        name,
        shipped ? `${name} (drawn scenes only)` : name,
      ]),
      state.default_model,
    );
    this.method = select(
      id("method"),
      state.methods.map(({ name, speed }) => [name, speed === "slow" ? `${name} (slow)` : name]),
      state.default_method,
    );
    this.length = element("input", {
      id: id("length"),
      type: "number",
      min: 1,
      max: state.limits.answer_tokens,
      step: 1,
      inputmode: "numeric",
      placeholder: "the model’s own",
    });
    this.given = element("textarea", {
      id: id("given"),
      rows: 2,
      dir: "auto",
      autocomplete: "off",
    });
    this.start = element("input", {
      id: id("answer-start"),
      type: "text",
      dir: "auto",
      autocomplete: "off",
    });
    this.diagnose = element("input", { id: id("diagnose"), type: "checkbox" });
    this.layers = element("input", { id: id("layers"), type: "checkbox" });
    this.error = element("div", { class: "field-error", role: "alert", id: id("options-error") });
    this.summary = element("summary", {});
    this.note = element(
      "p",
      { class: "field-hint option-note", hidden: true },
      "An answer that was opened is asked again with its own model, method and settings. To use others, choose a picture.",
    );
    holder.append(this.summary, this.fields());
    holder.addEventListener("input", () => this.changed());
    this.changed();
  }

  fields() {
    return element(
      "fieldset",
      { class: "option-fields" },
      this.note,
      field("Model", this.model),
      field("Method", this.method, " "),
      field("Longest answer, in tokens", this.length),
      field("Answer begins with", this.start, "The model writes the rest."),
      field("Answer given", this.given, "This answer is explained; the model writes none."),
      element(
        "div",
        { class: "option-checks" },
        check(
          this.diagnose,
          "Diagnose",
          "Changes the picture and the words, and says what each word rests on. Takes longer.",
        ),
        check(
          this.layers,
          "Layers",
          "What each layer of the model took and what could be read there.",
        ),
      ),
      this.error,
    );
  }

  /** @param {boolean} usable whether the next question follows them */
  setUsable(usable) {
    const fields = this.note.parentElement;
    if (fields instanceof HTMLFieldSetElement) fields.disabled = !usable;
    this.note.hidden = usable;
  }

  /** An answer is given, or begun, or neither. */
  changed() {
    this.start.disabled = Boolean(this.given.value.trim());
    this.given.disabled = !this.start.disabled && Boolean(this.start.value.trim());
    this.length.disabled = this.start.disabled;
    this.error.replaceChildren();
    const method = this.state.methods.find(({ name }) => name === this.method.value);
    this.hint(this.method, method?.title ?? "");
    const facts = [
      shortModel(this.model.value),
      this.method.value,
      this.start.disabled && "answer given",
      this.start.value.trim() && !this.start.disabled && "answer begun",
      this.length.value && !this.length.disabled && `at most ${this.length.value} tokens`,
      this.diagnose.checked && "diagnosed",
      this.layers.checked && "with layers",
    ].filter(Boolean);
    this.summary.replaceChildren(
      element("span", { class: "options-word" }, "Options"),
      element("span", { class: "options-facts" }, facts.join(" · ")),
    );
  }

  /**
   * @param {HTMLElement} input
   * @param {string} text
   */
  hint({ id }, text) {
    const note = this.holder.querySelector(`#${CSS.escape(id)}-hint`);
    if (note) note.textContent = text;
  }

  /**
   * What is wrong with the options, told beside them, or null.
   * @returns {HTMLElement | null} the field
   */
  check() {
    const { length } = this;
    const most = this.state.limits.answer_tokens ?? Infinity;
    const isFine =
      length.disabled ||
      (length.validity.valid &&
        (!length.value || (Number(length.value) >= 1 && Number(length.value) <= most)));
    if (isFine) return null;
    this.holder.open = true;
    const upTo = most < Infinity ? `from 1 to ${most}` : "of 1 or more";
    this.error.replaceChildren(
      element("p", {}, `Longest answer: expected a whole number ${upTo}.`),
    );
    return length;
  }

  /** @returns {Chosen} only what was chosen */
  get chosen() {
    /** @type {Chosen} */
    const chosen = { model: this.model.value, method: this.method.value };
    if (this.given.value.trim() && !this.given.disabled) chosen.answer = this.given.value;
    else {
      if (this.start.value.trim()) chosen.answer_start = this.start.value;
      if (this.length.value) chosen.max_new_tokens = Number(this.length.value);
    }
    if (this.diagnose.checked) chosen.diagnose = true;
    if (this.layers.checked) chosen.layers = true;
    return chosen;
  }
}

/**
 * A model's name without its owner.
 * @param {string} name
 */
export const shortModel = (name) => name.split("/").filter(Boolean).pop() ?? name;

/**
 * @param {string} id
 * @param {[string, string][]} pairs of value and name
 * @param {string} chosen
 */
function select(id, pairs, chosen) {
  const node = element(
    "select",
    { id },
    ...pairs.map(([value, name]) => element("option", { value, selected: value === chosen }, name)),
  );
  return node;
}

/**
 * @param {string} name
 * @param {HTMLElement} input
 * @param {string} [hint]
 */
function field(name, input, hint) {
  const note = hint ? element("span", { class: "field-hint", id: `${input.id}-hint` }, hint) : null;
  if (note) input.setAttribute("aria-describedby", note.id);
  return element(
    "div",
    { class: "field", "data-field": name },
    element("label", { for: input.id }, name),
    input,
    note,
  );
}

/**
 * @param {HTMLInputElement} input
 * @param {string} name
 * @param {string} hint
 */
function check(input, name, hint) {
  const note = element("span", { class: "field-hint", id: `${input.id}-hint` }, hint);
  input.setAttribute("aria-describedby", note.id);
  return element("div", { class: "check" }, input, element("label", { for: input.id }, name), note);
}
