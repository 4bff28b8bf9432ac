// Parts that several tools are made of: buttons that say why they cannot be used, choices, notes.

import { element } from "../../shared/dom.js";
import { radios } from "../../shared/radios.js";

/** @import {Child} from "../../shared/dom.js" */

/**
 * A button; one with an obstacle is disabled and says why, in its title and to screen readers.
 * @param {string} name
 * @param {() => void} run
 * @param {{kind?: string, obstacle?: string, title?: string}} [traits]
 */
export function toolButton(name, run, { kind = "", obstacle = "", title = "" } = {}) {
  const button = element(
    "button",
    {
      type: "button",
      class: `tool ${kind}`.trim(),
      title: obstacle || title || null,
      "aria-disabled": obstacle ? "true" : null,
    },
    name,
  );
  // A disabled button could not be reached by keyboard, and so not say why.
  button.addEventListener("click", () => {
    if (!obstacle) run();
  });
  return button;
}

/**
 * A radio group as a row of segments.
 * @template {string} T
 * @param {string} name
 * @param {readonly (readonly [T, string])[]} choices value and label
 * @param {T} checked
 * @param {(value: T) => void} choose
 */
export function segments(name, choices, checked, choose) {
  const holder = element("div", { class: "segments", role: "radiogroup", "aria-label": name });
  const all = choices.map(([value, label]) => ({ value, label }));
  radios(holder, all, checked, (value) => {
    const found = choices.find(([own]) => own === value);
    if (found) choose(found[0]);
  });
  return holder;
}

/**
 * A line of text in small.
 * @param {...Child} children
 */
export const note = (...children) => element("p", { class: "tool-note" }, ...children);

/**
 * Sentences as one text; those that are empty are left out.
 * @param {...string} sentences
 */
export const sentences = (...sentences) => sentences.filter(Boolean).join(" ");
