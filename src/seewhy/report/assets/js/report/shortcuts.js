// Single-key shortcuts, and the help that lists them.

import { element, hasModifier, isTyping } from "../shared/dom.js";
import { toggleRegions } from "./region_bar.js";
import { followChain } from "./verdict_panel.js";
import { isDiagnosed } from "./verdicts.js";

/** @import {Report} from "./report.js" */

/** @typedef {{key: string, does: string, run: () => void}} Shortcut */

const WORD_KEYS = [
  [["←", "→"], "one word to the left, one to the right"],
  [["↑", "↓"], "one line up, one down"],
  [["Enter", "Space"], "pin or unpin a word"],
];

/** @param {Report} report */
export function connectShortcuts(report) {
  const { options, parts, root, signal } = report;
  const all = shortcuts(report);
  parts.keys.append(...helpRows(all));
  if (options.keyboard === "off") return;
  /** @type {HTMLElement | Window} */
  const target = options.keyboard === "page" ? window : root;
  const listener = (/** @type {Event} */ event) => {
    if (!(event instanceof KeyboardEvent) || hasModifier(event) || isTyping(event)) return;
    if (!parts.help.open) run(all, event.key);
  };
  target.addEventListener("keydown", listener, { signal });
}

/**
 * @param {Shortcut[]} all
 * @param {string} key
 */
function run(all, key) {
  const wanted = key.length === 1 ? key.toLowerCase() : key;
  all.find((shortcut) => shortcut.key === wanted)?.run();
}

/**
 * @param {Report} report
 * @returns {Shortcut[]}
 */
function shortcuts(report) {
  const { actions, controls, parts, playback } = report;
  return [
    { key: "Escape", does: "leave the region or the layer, or unpin everything", run: () => escape(report) },
    ...viewShortcuts(report),
    ...(isDiagnosed(report.text)
      ? [{ key: "f", does: "go to the word that it follows from", run: () => followChain(report) }]
      : []),
    { key: "t", does: "words or tokens", run: controls.segmentation.next },
    { key: "m", does: "heat, spotlight or the bare picture", run: controls.mode.next },
    { key: "s", does: "display: whole answer, this map alone, with the words", run: controls.display.next },
    { key: "c", does: "next colour map", run: controls.colours.next },
    { key: "[", does: "weaker", run: () => actions.shiftOpacity(-0.1) },
    { key: "]", does: "stronger", run: () => actions.shiftOpacity(0.1) },
    { key: "r", does: "ask about a place in the picture", run: () => toggleRegions(report) },
    { key: "p", does: "read along", run: () => playback.toggle() },
    { key: "g", does: "a figure for a paper", run: () => report.figureMenu.toggle() },
    { key: "d", does: "light or dark", run: controls.toggleTheme },
    { key: "?", does: "this help", run: () => parts.help.showModal() },
  ];
}

/**
 * @param {Report} report
 * @returns {Shortcut[]}
 */
function viewShortcuts({ actions, views }) {
  if (!views.several) return [];
  const isClip = views.clips.length > 0;
  return [
    {
      key: ",",
      does: isClip ? "one step of the clip back" : "the picture before",
      run: () => actions.stepView(-1),
    },
    {
      key: ".",
      does: isClip ? "one step of the clip on" : "the picture after",
      run: () => actions.stepView(1),
    },
  ];
}

/**
 * Take back the last thing that was turned on.
 * @param {Report} report
 */
function escape({ actions, playback, regions, state }) {
  if (playback.isPlaying) playback.stop();
  else if (regions.isOn) regions.back();
  else if (state.layer !== null) actions.showLayer(null);
  else if (state.pins.length) actions.clearPins();
  else if (state.selectedView !== null) actions.selectView(null);
}

/** @param {Shortcut[]} all */
function helpRows(all) {
  const own = all.map(({ key, does }) => [[key.length === 1 ? key.toUpperCase() : "Esc"], does]);
  return [...WORD_KEYS, ...own].flatMap(([keys, does]) => [
    element("dt", {}, ...[...keys].map((key) => element("kbd", {}, key))),
    element("dd", {}, String(does)),
  ]);
}
