// Parts that the pages of tables share: the bar on top, sections, tables that scroll, choices.

import { element } from "./dom.js";

/** @import {Child} from "./dom.js" */
/** @typedef {(name: string) => string} MakeId */

/**
 * The bar on top: the page's name, what it is about, and its tools.
 * @param {MakeId} id
 * @param {string} product
 * @param {...Child} tools before the button for light or dark
 */
export function topBar(id, product, ...tools) {
  const source = element("p", { class: "source", id: id("source") });
  const name = "Light or dark";
  const theme = element(
    "button",
    { type: "button", class: "round theme", id: id("theme"), "aria-label": name, title: name },
    element("i", { class: "icon" }),
  );
  const brand = element("p", { class: "brand" }, "see", element("b", {}, "why"), ` ${product}`);
  const node = element(
    "header",
    { class: "topbar" },
    brand,
    source,
    element("div", { class: "tools" }, ...tools, theme),
  );
  return { node, source, theme };
}

/**
 * A section with a title.
 * @param {MakeId} id
 * @param {string} name
 * @param {string} title
 * @param {...Child} children
 */
export function section(id, name, title, ...children) {
  const heading = element("h2", { id: id(`${name}-title`) }, title);
  return element(
    "section",
    { "aria-labelledby": heading.id, id: id(`${name}-part`) },
    heading,
    ...children,
  );
}

/**
 * A table that scrolls by itself.
 * @param {string} labelId
 * @param {Node} table
 */
export const scrolling = (labelId, table) =>
  element(
    "div",
    // A group: the section around it is the landmark of this name.
    { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": labelId },
    table,
  );

/**
 * A select element with a label.
 * @param {MakeId} id
 * @param {string} name
 * @param {string} text
 */
export function choice(id, name, text) {
  const select = element("select", { id: id(name) });
  return { select, label: element("label", {}, `${text} `, select) };
}

/**
 * Fill a list of facts; those without a value are left out.
 * @param {HTMLElement} list
 * @param {[string, unknown][]} facts
 */
export function renderFacts(list, facts) {
  const known = facts.filter(([, value]) => value !== "" && value !== null);
  list.replaceChildren(
    ...known.flatMap(([name, value]) => [
      element("dt", {}, name.replaceAll("_", " ")),
      element("dd", {}, String(value)),
    ]),
  );
}
