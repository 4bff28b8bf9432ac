// Single keys: from word to word, map or picture, find, light or dark.

import { hasModifier, isTyping } from "../shared/dom.js";
import { showMore } from "./worst.js";

/** @import {Audit} from "./audit.js" */

/** @param {Audit} audit */
export function connectShortcuts(audit) {
  const { keyboard } = audit.options;
  if (keyboard === "off") return;
  /** @type {HTMLElement | Window} */
  const target = keyboard === "page" ? window : audit.root;
  const listener = (/** @type {Event} */ event) => {
    if (!(event instanceof KeyboardEvent) || hasModifier(event) || isTyping(event)) return;
    run(audit, event);
  };
  target.addEventListener("keydown", listener, { signal: audit.signal });
}

/**
 * @param {Audit} audit
 * @param {KeyboardEvent} event
 */
function run(audit, event) {
  /** @type {Record<string, () => void>} */
  const keys = {
    j: () => step(audit, 1),
    k: () => step(audit, -1),
    m: () => audit.nextPicture(),
    d: () => audit.toggleTheme(),
    "/": () => audit.parts.find.focus(),
  };
  const does = keys[event.key.toLowerCase()];
  if (!does) return;
  event.preventDefault();
  does();
}

/**
 * Go to the next word or the one before; after the last drawn one more are drawn.
 * @param {Audit} audit
 * @param {number} by
 */
function step(audit, by) {
  const { parts } = audit;
  const cards = [...parts.worst.querySelectorAll("li")];
  const now = cards.findIndex((one) => one.contains(document.activeElement));
  const next = now + by;
  if (next >= cards.length && !parts.more.hidden) showMore(audit);
  const all = [...parts.worst.querySelectorAll("li")];
  const card = all[Math.min(Math.max(next, 0), all.length - 1)];
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
}
