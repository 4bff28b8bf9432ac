// A radio group of buttons: arrows move inside it, one of them is in the tab order.

import { closest, element } from "./dom.js";

/** @typedef {{value: string, label: string, background?: string}} Choice */
/** @typedef {{set: (value: string) => void, next: () => void}} RadioGroup */

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * Fill a holder with buttons of which one is checked.
 * @param {HTMLElement} holder
 * @param {Choice[]} choices
 * @param {string} checked the value that is checked at first; nothing is called for it
 * @param {(value: string) => void} choose called with every value that is checked later
 * @returns {RadioGroup}
 */
export function radios(holder, choices, checked, choose) {
  const buttons = choices.map(radio);
  /** @param {string} value */
  const set = (value) => {
    check(buttons, value);
    choose(value);
  };
  /** @param {number} at @param {number} by */
  const neighbour = (at, by) => buttons[(at + by + buttons.length) % buttons.length];
  holder.append(...buttons);
  check(buttons, checked);
  holder.addEventListener("click", (event) => {
    const button = closest(event, "button");
    if (button) set(button.dataset.value ?? "");
  });
  holder.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    event.stopPropagation();
    const next = neighbour(
      buttons.findIndex((one) => one === event.target),
      STEPS[event.key],
    );
    set(next.dataset.value ?? "");
    next.focus();
  });
  const now = () => buttons.findIndex((one) => one.getAttribute("aria-checked") === "true");
  return { set, next: () => set(neighbour(now(), 1).dataset.value ?? "") };
}

/** @param {Choice} choice */
function radio({ value, label, background }) {
  const attributes = { type: "button", role: "radio", "data-value": value, "aria-label": label };
  const node = element("button", { ...attributes, title: label }, background ? null : label);
  if (background) node.style.background = background;
  return node;
}

/**
 * @param {HTMLButtonElement[]} buttons
 * @param {string} value
 */
function check(buttons, value) {
  for (const button of buttons) {
    const on = button.dataset.value === value;
    button.setAttribute("aria-checked", String(on));
    button.tabIndex = on ? 0 : -1;
  }
}
