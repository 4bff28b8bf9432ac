// Elements made without parsing markup: text from a model enters a page as text nodes only.

/** @typedef {string | number | boolean | null | undefined | ((event: Event) => void)} Attribute */
/** @typedef {Node | string | null | undefined} Child */

/**
 * Make an HTML element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} [attributes] see `setAttribute`
 * @param {...Child} children strings become text nodes, null is left out
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...present(children));
  return node;
}

/**
 * `--name` sets a CSS variable, a function listens to the event of its `on...` name, true is an
 * empty attribute, and false, null and undefined are left out.
 * @param {HTMLElement | SVGElement} node
 * @param {string} name
 * @param {Attribute} value
 */
export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (typeof value === "function") node.addEventListener(name.slice(2), value);
  else if (name.startsWith("--")) node.style.setProperty(name, String(value));
  else node.setAttribute(name, value === true ? "" : String(value));
}

/**
 * Children without those that are left out.
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
export function present(children) {
  return children.filter((child) => child !== null && child !== undefined);
}

/**
 * The closest element around an event's target that fits a selector.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/**
 * A canvas's 2D context.
 * @param {HTMLCanvasElement} canvas
 */
export function context2d(canvas) {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("Expected a 2D canvas, got none: use a current browser.");
  return context;
}

/**
 * Whether a modifier is held, so that a key belongs to the browser.
 * @param {KeyboardEvent} event
 */
export const hasModifier = (event) => event.altKey || event.ctrlKey || event.metaKey;

/** Inputs in which letters are written; in the others, such as a slider, they are not. */
const WRITTEN = /^(?:text|search|email|url|tel|password|number|date|time|month|week|datetime-local)$/u;

/**
 * Whether a key goes into a field, so that it is no shortcut.
 * @param {Event} event
 */
export function isTyping({ target }) {
  if (target instanceof HTMLInputElement) return WRITTEN.test(target.type);
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName);
}
