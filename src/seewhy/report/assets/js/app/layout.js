// The app's parts, empty: the bar on top, the question, the history, and the place of the answer.

import { element } from "../shared/dom.js";

/** @typedef {(name: string) => string} MakeId */
/** @typedef {ReturnType<typeof layout>} Parts */

/**
 * @param {MakeId} id
 * @param {boolean} isPage whether the whole page is the app's
 */
export function layout(id, isPage) {
  const ask = element("div", {
    class: "ask",
    id: id("ask"),
    tabindex: "-1",
    role: isPage ? "main" : null,
  });
  const stage = element("div", { class: "stage", id: id("stage"), tabindex: "-1" });
  const top = header(id, isPage);
  const history = element("nav", {
    class: "history",
    id: id("history"),
    "aria-label": "Answers so far",
    hidden: true,
  });
  const notice = element("div", { class: "app-notice", id: id("notice") });
  const live = element("div", { class: "visually-hidden", id: id("live"), "aria-live": "polite" });
  const veil = element(
    "div",
    { class: "drop-veil", "aria-hidden": "true", hidden: true },
    element("p", {}, "Drop it anywhere"),
  );
  const nodes = [
    skipLink("Skip to the question", ask),
    skipLink("Skip to the answer", stage),
    element("div", { class: "app-top" }, top.node, ask),
    notice,
    history,
    stage,
    veil,
    live,
  ];
  return { ...top, ask, history, notice, stage, veil, live, nodes };
}

/**
 * @param {MakeId} id
 * @param {boolean} isPage
 */
function header(id, isPage) {
  const fresh = element(
    "button",
    { type: "button", class: "fresh", id: id("new"), title: "Another picture (N)", hidden: true },
    "New picture",
  );
  const theme = element(
    "button",
    {
      type: "button",
      class: "round theme",
      id: id("theme"),
      "aria-label": "Light or dark",
      title: "Light or dark",
    },
    element("i", { class: "icon" }),
  );
  const title = element("span", { class: "visually-hidden" });
  const brand = element("p", { class: "brand" }, "see", element("b", {}, "why"), title);
  setHeading(brand, isPage ? 1 : 2);
  const tools = element("div", { class: "tools" }, fresh, theme);
  return {
    node: element("header", { class: "app-head" }, brand, tools),
    brand,
    title,
    fresh,
    theme,
  };
}

/**
 * Make an element a heading, or no heading any more.
 * @param {HTMLElement} node
 * @param {number | null} level
 */
export function setHeading(node, level) {
  if (level === null) for (const name of ["role", "aria-level"]) node.removeAttribute(name);
  else
    for (const [name, value] of [
      ["role", "heading"],
      ["aria-level", String(level)],
    ])
      node.setAttribute(name, value);
}

/**
 * A link that moves the focus and leaves the address alone: that belongs to the shown answer.
 * @param {string} text
 * @param {HTMLElement} target
 */
function skipLink(text, target) {
  const link = element("a", { class: "skip-link", href: `#${target.id}` }, text);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    target.focus();
    target.scrollIntoView({ block: "start" });
  });
  return link;
}
