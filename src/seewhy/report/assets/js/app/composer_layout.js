// The question's parts: pictures, prompt, options.

import { element } from "../shared/dom.js";
import { icon } from "./icons.js";

/** @import {MakeId} from "./layout.js" */
/** @typedef {ReturnType<typeof composerLayout>} ComposerParts */

export const DEFAULT_PROMPT = "Write a one-sentence caption for this image:";

/**
 * @param {MakeId} id
 * @param {boolean} isPage whether the whole page is the app's: then its title is the page's heading
 */
export function composerLayout(id, isPage) {
  const intro = element(
    "div",
    { class: "ask-intro" },
    element(isPage ? "h1" : "h2", { class: "ask-title" }, "Ask about a picture"),
    element(
      "p",
      {},
      "The model answers, and every word shows which part of the picture it came from.",
    ),
  );
  const [drop, question] = [dropParts(id), questionParts(id)];
  const options = element("details", { class: "options", id: id("options") });
  const saved = savedParts(id);
  const form = element(
    "form",
    { class: "composer", novalidate: true },
    intro,
    drop.node,
    element("div", { class: "question-part" }, question.node, question.error, options),
    saved.node,
  );
  return { ...drop, ...question, form, options, ...saved };
}

/** @param {MakeId} id */
function dropParts(id) {
  const choose = element(
    "button",
    { type: "button", class: "primary", id: id("choose") },
    "Choose pictures",
  );
  const photo = element(
    "button",
    { type: "button", class: "photo", id: id("photo") },
    "Take a photo",
  );
  const files = element("input", {
    type: "file",
    accept: "image/*,video/*",
    multiple: true,
    hidden: true,
    id: id("files"),
    "aria-label": "Pictures and clips",
  });
  const camera = element("input", {
    type: "file",
    accept: "image/*",
    capture: "environment",
    hidden: true,
    id: id("camera"),
    "aria-label": "Photo",
  });
  const empty = element(
    "div",
    { class: "drop-empty" },
    icon("picture"),
    element(
      "p",
      { class: "drop-title" },
      ...byPointer("Drop a picture here", "Begin with a picture"),
    ),
    element("p", { class: "drop-buttons" }, choose, photo),
    element(
      "p",
      { class: "drop-also" },
      ...byPointer("or paste one. ", ""),
      "Several pictures and clips can be asked about together.",
    ),
  );
  const slots = element("ul", { class: "slots", "aria-label": "Pictures of the question" });
  const more = element(
    "button",
    { type: "button", class: "more", id: id("more") },
    icon("plus"),
    "Add",
  );
  const filled = element("div", { class: "drop-filled", hidden: true }, slots, more);
  const error = element("div", { class: "field-error", id: id("picture-error"), role: "alert" });
  const drop = element("div", { class: "drop" }, empty, filled);
  const examples = element("div", {
    class: "examples",
    role: "group",
    "aria-label": "Examples",
    hidden: true,
  });
  const node = element("div", { class: "drop-part" }, drop, error, examples, files, camera);
  return {
    node,
    drop,
    empty,
    filled,
    slots,
    more,
    choose,
    photo,
    files,
    camera,
    examples,
    pictureError: error,
  };
}

/** @param {MakeId} id */
function questionParts(id) {
  const subject = element("button", {
    type: "button",
    class: "subject",
    id: id("subject"),
    title: "Change the pictures",
  });
  const prompt = element("textarea", {
    id: id("prompt-field"),
    rows: 1,
    dir: "auto",
    autocomplete: "off",
    placeholder: DEFAULT_PROMPT,
    "aria-describedby": id("question-error"),
  });
  const label = element("label", { for: prompt.id }, "Question");
  const toggle = element(
    "button",
    {
      type: "button",
      class: "options-toggle",
      id: id("options-toggle"),
      "aria-expanded": "false",
      "aria-controls": id("options"),
    },
    icon("sliders"),
    element("span", {}, "Options"),
  );
  const ask = element(
    "button",
    { type: "submit", class: "primary submit", id: id("ask-button") },
    "Ask",
  );
  const error = element("div", { class: "field-error", id: id("question-error"), role: "alert" });
  const node = element(
    "div",
    { class: "question" },
    subject,
    element("div", { class: "question-text" }, label, prompt),
    toggle,
    ask,
  );
  return { node, subject, prompt, toggle, submit: ask, error };
}

/** @param {MakeId} id */
function savedParts(id) {
  const open = element(
    "button",
    { type: "button", class: "plain", id: id("import") },
    "Open a saved explanation (.zip)",
  );
  const folder = element("input", {
    type: "file",
    accept: ".zip,application/zip",
    hidden: true,
    id: id("import-file"),
    "aria-label": "Saved explanation",
  });
  const error = element("div", { class: "field-error", id: id("import-error"), role: "alert" });
  const node = element("div", { class: "saved" }, open, folder, error);
  return { node, openSaved: open, folder, savedError: error };
}

/**
 * A text for who has a mouse, and one for who has a finger.
 * @param {string} mouse
 * @param {string} touch
 */
const byPointer = (mouse, touch) => [
  element("span", { class: "for-mouse" }, mouse),
  element("span", { class: "for-touch" }, touch),
];
