// The controls: words or tokens, how maps are drawn, theme and help.

import { radios } from "../shared/radios.js";
import { applyTheme } from "../shared/theme.js";

/** @import {Report} from "./report.js" */
/** @import {Display, Mode, Segmentation} from "./types.d.ts" */
/** @typedef {ReturnType<typeof connectControls>} Controls */

/** @type {{value: Segmentation, label: string}[]} */
const SEGMENTATIONS = [
  { value: "words", label: "Words" },
  { value: "tokens", label: "Tokens" },
];
/** @type {{value: Mode, label: string}[]} */
const MODES = [
  { value: "heat", label: "Heat" },
  { value: "spotlight", label: "Spotlight" },
  { value: "picture", label: "Picture" },
];

/** @type {{value: Display, label: string}[]} */
const DISPLAYS = [
  { value: "answer", label: "Whole answer" },
  { value: "word", label: "This map alone" },
  { value: "joint", label: "With the words" },
];

/**
 * @param {Report} report
 * @param {HTMLElement} themed the element that has the theme
 */
export function connectControls(report, themed) {
  const { actions, options, parts, state } = report;
  const toggleTheme = applyTheme(themed, options.theme, options.rememberTheme);
  parts.theme.addEventListener("click", toggleTheme);
  parts.helpButton.addEventListener("click", () => parts.help.showModal());
  parts.opacity.value = String(100 * state.style.opacity);
  parts.opacity.addEventListener("input", () => actions.shiftOpacity(0));
  return {
    toggleTheme,
    segmentation: choice(parts.segmentation, SEGMENTATIONS, "words", (value) =>
      actions.setSegmentation(value),
    ),
    mode: choice(parts.mode, MODES, state.style.mode, (mode) => actions.setStyle({ mode })),
    display: choice(parts.display, DISPLAYS, state.style.display, (display) =>
      actions.setStyle({ display }),
    ),
    colours: connectColours(report),
  };
}

/** @param {Report} report */
function connectColours({ actions, painter, parts, state }) {
  const names = Object.keys(painter.tables);
  const choices = names.map((name) => ({
    value: name,
    label: name,
    background: painter.gradient(name),
  }));
  return radios(parts.colours, choices, state.style.colours, (colours) =>
    actions.setStyle({ colours }),
  );
}

/**
 * A radio group whose values are of a type.
 * @template {string} T
 * @param {HTMLElement} holder
 * @param {{value: T, label: string}[]} choices
 * @param {T} checked
 * @param {(value: T) => void} choose
 */
function choice(holder, choices, checked, choose) {
  return radios(holder, choices, checked, (value) => {
    const found = choices.find((one) => one.value === value);
    if (found) choose(found.value);
  });
}
