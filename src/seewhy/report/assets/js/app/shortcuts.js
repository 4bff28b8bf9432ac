// Single keys of the app: they never reach into what is being typed.

import { hasModifier, isTyping } from "../shared/dom.js";

/** @import {AppPage} from "./app.js" */

/** @param {AppPage} app */
export function connectShortcuts(app) {
  const { keyboard } = app.options;
  if (keyboard === "off") return;
  /** @type {HTMLElement | Window} */
  const target = keyboard === "page" ? window : app.root;
  target.addEventListener("keydown", (event) => pressed(app, event), { signal: app.signal });
}

/**
 * @param {AppPage} app
 * @param {Event} event
 */
function pressed(app, event) {
  if (!(event instanceof KeyboardEvent) || hasModifier(event) || event.isComposing) return;
  if (event.key === "Escape") app.stopWriting();
  if (isTyping(event) || app.root.querySelector("dialog[open]")) return;
  /** @type {Record<string, () => void>} */
  const keys = {
    n: () => app.newQuestion(),
    "/": () => app.composer.parts.prompt.focus(),
    j: () => app.step(1),
    k: () => app.step(-1),
  };
  const run = keys[event.key.toLowerCase()];
  if (!run) return;
  event.preventDefault();
  run();
}
