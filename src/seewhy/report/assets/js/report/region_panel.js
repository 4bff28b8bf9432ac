// What comes from the region: the words, best first.

import { closest, element } from "../shared/dom.js";
import { focusedElement } from "../shared/focus.js";
import { capitalize, clamp, label, percent } from "../shared/text.js";
import { describeRegion } from "./region_marks.js";
import { evenShare, partOfView } from "./region_words.js";
import { hasLowEvidence, isComparison } from "./selection.js";
import { isFolded } from "./thinking.js";
import { isShareMeasured } from "./visual_share.js";

/** @import {WordShare} from "./region_words.js" */
/** @import {Report} from "./report.js" */
/** @typedef {ReturnType<typeof connectRegionPanel>} RegionPanel */

const MOST_WORDS = 6;
const MOST_SPOKEN = 3;
const MEASURED =
  "Full: how much of the word came from here. Pale: the part of its map that lies here. The full part is the pale one times how much of the word came from";
const UNMEASURED = "The bar is the part of the word’s map that lies here";
const EVEN = "The line is what a map that is the same everywhere would have here. A map says where, not why.";

/**
 * Fill the panel; what it shows is drawn with each region.
 * @param {Report} report
 */
export function connectRegionPanel(report) {
  const { id, parts, regions } = report;
  const title = element("h2", { class: "eyebrow", id: id("region-title") }, "From this place");
  const clear = element("button", { type: "button", class: "region-clear" }, "Clear");
  clear.addEventListener("click", () => regions.set(null));
  const about = element("p", { class: "region-about" });
  const level = levelSlider(report);
  const head = element("div", { class: "region-columns", "aria-hidden": "true" });
  const list = element("ol", { class: "region-words", "aria-labelledby": title.id });
  listenToList(report, list);
  const all = element("button", { type: "button", class: "region-all", "aria-expanded": "false" });
  const shown = { isWhole: false };
  all.addEventListener("click", () => {
    shown.isWhole = !shown.isWhole;
    renderRegionPanel(report);
  });
  const note = element("p", { class: "region-note" });
  const slot = element("div", { class: "tool-slot" });
  const top = element("div", { class: "region-head" }, title, clear);
  parts.region.panel.setAttribute("aria-labelledby", title.id);
  const nodes = [top, about, level.node, head, list, all, note, slot];
  return { nodes, about, level, head, list, all, note, slot, shown };
}

/** @param {Report} report */
function levelSlider({ regions }) {
  const input = element("input", { type: "range", min: 10, max: 90, step: 10 });
  const value = element("span", { class: "number" });
  const name = element("span", {}, "Above");
  const node = element("label", { class: "region-level" }, name, input, value);
  input.addEventListener("input", () =>
    regions.showWord(regions.ofPlace, Number(input.value) / 100),
  );
  return { node, input, value };
}

/**
 * A word of the list that is pointed at is looked at.
 * @param {Report} report
 * @param {HTMLElement} list
 */
function listenToList({ actions, state, playback }, list) {
  const placeAt = (/** @type {Event} */ event) =>
    Number(closest(event, ".region-word")?.dataset.at ?? -1);
  list.addEventListener("pointerover", (event) => {
    const at = placeAt(event);
    if (at >= 0 && event.pointerType === "mouse" && !isComparison(state)) actions.look(at);
  });
  list.addEventListener("pointerleave", () => {
    if (state.pins.length === 1 && !playback.isPlaying) actions.look(state.pins[0]);
  });
  list.addEventListener("click", (event) => {
    const at = placeAt(event);
    if (at >= 0) actions.choose(at);
  });
}

/** @param {Report} report */
export function renderRegionPanel(report) {
  const { parts, regionPanel: panel, regions, text } = report;
  const isShown = regions.region !== null;
  parts.region.panel.hidden = !isShown;
  // Controls that stand by are not in the page at all.
  if (isShown !== panel.nodes[0].isConnected)
    parts.region.panel.replaceChildren(...(isShown ? panel.nodes : []));
  if (!isShown) return;
  const isMeasured = text.placesOf("answer").some((at) => isShareMeasured(text.unit(at)));
  panel.about.textContent = about(report);
  panel.level.node.hidden = regions.ofPlace < 0;
  panel.level.input.value = String(Math.round(100 * regions.level));
  panel.level.value.textContent = `${Math.round(100 * regions.level)} % of its maximum`;
  renderList(report, isMeasured);
  const key = isMeasured ? `${MEASURED} ${report.views.subject.name}` : UNMEASURED;
  panel.note.textContent = `${key}. ${EVEN}${layerNote(report)}`;
}

/**
 * @param {Report} report
 * @param {boolean} isMeasured
 */
function renderList(report, isMeasured) {
  const { regionPanel: panel, regions } = report;
  const words = regions.words.filter(({ at, share }) => share > 0 && !isFolded(report, at));
  const count = panel.shown.isWhole ? words.length : MOST_WORDS;
  const even = regions.region ? evenShare(report, regions.region) : 0;
  panel.head.replaceChildren(...columnNames(isMeasured));
  panel.list.style.setProperty("--even", clamp(even).toFixed(4));
  panel.list.classList.toggle("measured", isMeasured);
  panel.head.hidden = panel.list.hidden = words.length === 0;
  replaceRows(panel.list, words.slice(0, count).map((word) => row(report, word, isMeasured)));
  panel.all.hidden = words.length <= MOST_WORDS;
  panel.all.setAttribute("aria-expanded", String(panel.shown.isWhole));
  panel.all.textContent = panel.shown.isWhole
    ? "Show fewer"
    : `Show all ${words.length} ${report.text.kind}s`;
  markRegionWords(report);
}

/**
 * The row that has the focus keeps it.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} rows
 */
function replaceRows(list, rows) {
  const focused = focusedElement()?.closest(".region-word");
  const at = focused && list.contains(focused) ? focused.getAttribute("data-at") : null;
  list.replaceChildren(...rows);
  const same = at === null ? null : list.querySelector(`[data-at="${at}"]`);
  if (same instanceof HTMLElement) same.focus({ preventScroll: true });
}

/** @param {boolean} isMeasured */
const columnNames = (isMeasured) => [
  element("span"),
  element("span"),
  element("span", {}, "of its map"),
  ...(isMeasured ? [element("span", {}, "from here")] : []),
];

/**
 * @param {Report} report
 * @param {WordShare} word
 * @param {boolean} isMeasured
 */
function row({ text }, { at, share, amount }, isMeasured) {
  const unit = text.unit(at);
  const isDark = hasLowEvidence(unit);
  const name = label(unit.text);
  const track = element(
    "span",
    { class: "region-track", "--share": share.toFixed(4), "--amount": amount.toFixed(4) },
    element("i"),
  );
  const button = element(
    "button",
    {
      type: "button",
      class: `region-word${isDark ? " dark-map" : ""}`,
      "data-at": at,
    },
    element("span", { class: "name", dir: "auto" }, name),
    track,
    number("main", percent(share), `of its map lies here${isMeasured ? "," : ""}`),
    ...(isMeasured ? [number("", percent(amount), "came from here")] : []),
    isDark ? element("span", { class: "visually-hidden" }, ", and its map is nearly dark") : null,
  );
  return element("li", {}, button);
}

/**
 * A number under the title of its column; who does not see the column is told what it is.
 * @param {string} kind
 * @param {string} text
 * @param {string} meaning
 */
const number = (kind, text, meaning) =>
  element(
    "span",
    { class: `number ${kind}`.trim() },
    text,
    element("span", { class: "visually-hidden" }, ` ${meaning}`),
  );

/**
 * Mark the words of the list that are looked at or pinned.
 * @param {Report} report
 */
export function markRegionWords({ regionPanel, regions, state }) {
  for (const node of regionPanel.list.querySelectorAll(".region-word")) {
    if (!(node instanceof HTMLElement)) continue;
    const at = Number(node.dataset.at);
    node.classList.toggle("current", at === state.current && !regions.isBare);
    node.classList.toggle("pin-a", at === state.pins[0]);
    node.classList.toggle("pin-b", at === state.pins[1]);
  }
}

/**
 * What the region is, and how large.
 * @param {Report} report
 */
function about(report) {
  const { regions, text, views } = report;
  const { region, ofPlace } = regions;
  if (!region) return "";
  const where = views.several ? ` in ${views.nameInText(region.view)}` : "";
  const part = percent(partOfView(report, region));
  if (ofPlace >= 0) {
    const name = label(text.pieces[ofPlace].text);
    return `Where the map of “${name}” is bright${where}: ${part} of the picture.`;
  }
  return `${capitalize(describeRegion(region))}${where}: ${part} of the picture.`;
}

/**
 * A layer's map is shown, and not counted.
 * @param {Report} report
 */
const layerNote = ({ state, text }) =>
  state.layer === null ? "" : ` Counted is each ${text.kind}’s own map, not that of the layer.`;

/**
 * Tell what comes from the region.
 * @param {Report} report
 */
export function announceRegion(report) {
  const { parts, regions } = report;
  if (!regions.region) return;
  const best = regions.words.filter(({ at, share }) => share > 0 && !isFolded(report, at));
  const named = best
    .slice(0, MOST_SPOKEN)
    .map(({ at, share }) => `${label(report.text.pieces[at].text)} ${percent(share)}`);
  const told = named.length
    ? `Most of their maps lie here: ${named.join(", ")}.`
    : "Nothing comes from here.";
  parts.live.textContent = `${about(report)} ${told}`;
}
