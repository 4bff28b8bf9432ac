// The report's parts, empty: what is drawn into them later is drawn by other modules.

import { element } from "../shared/dom.js";
import { guide } from "./guide.js";

/** @import {Applies} from "./guide.js" */
/** @import {Views} from "./views.js" */
/** @typedef {(name: string) => string} MakeId */
/** @typedef {ReturnType<typeof layout>} Parts */

/**
 * @param {MakeId} id
 * @param {Views} views
 * @param {Applies} applies what the text holds
 */
export function layout(id, views, applies) {
  const [top, viewer, text] = [topBar(id, applies), viewerParts(id, views), textPanel(id)];
  const [overview, footer, help] = [
    overviewParts(id, views),
    footerParts(id, views, applies),
    helpDialog(id),
  ];
  const live = element("div", { class: "visually-hidden", id: id("live"), "aria-live": "polite" });
  const skip = element("a", { class: "skip-link", href: `#${id("answer")}` }, "Skip to the words");
  const main = element("main", {}, viewer.node, text.node);
  const warnings = element("section", {
    class: "warnings",
    id: id("warnings"),
    "aria-label": "Read this first",
  });
  const nodes = [skip, top.node, warnings, main, overview.node, footer.node, help.node, live];
  const region = { bar: viewer.bar, panel: text.panel };
  const parts = { ...top, ...viewer, ...text, ...overview, ...footer, ...help };
  return { ...parts, region, live, warnings, nodes };
}

/**
 * @param {MakeId} id
 * @param {Pick<Applies, "title">} applies
 */
function topBar(id, { title }) {
  const source = element("p", { class: "source", id: id("source") });
  const playLabel = element("span", {}, "Read along");
  const play = element(
    "button",
    {
      type: "button",
      class: "play",
      id: id("play"),
      "aria-pressed": "false",
      title: "Read along (P)",
    },
    element("i", { class: "icon" }),
    playLabel,
  );
  const segmentation = group("segments", "Pieces of the text", id("segmentation"));
  const theme = roundButton(
    "theme",
    id("theme"),
    "Light or dark",
    "D",
    element("i", { class: "icon" }),
  );
  const helpButton = roundButton("", id("help-button"), "Help and keys", "?", "?");
  const tools = element("div", { class: "tools" }, play, segmentation, theme, helpButton);
  const brand = element(title === null ? "p" : "h1", { class: "brand" }, "see", element("b", {}, "why"));
  if (title !== null) brand.append(element("span", { class: "visually-hidden" }, `: ${title}`));
  // The banner of a page with more in it than the report is the page's own.
  const node =
    title === null
      ? element("section", { class: "topbar", "aria-label": "This answer" }, brand, source, tools)
      : element("header", { class: "topbar" }, brand, source, tools);
  return { node, source, play, playLabel, segmentation, theme, helpButton };
}

/**
 * @param {string} kind
 * @param {string} id
 * @param {string} name
 * @param {string} key
 * @param {Node | string} content
 */
function roundButton(kind, id, name, key, content) {
  const traits = { type: "button", class: `round ${kind}`.trim(), id, "aria-label": name };
  return element("button", { ...traits, title: `${name} (${key})` }, content);
}

/**
 * @param {string} kind
 * @param {string} name
 * @param {string} id
 */
function group(kind, name, id) {
  return element("div", { class: kind, role: "radiogroup", "aria-label": name, id });
}

/**
 * @param {MakeId} id
 * @param {Views} views
 */
function viewerParts(id, views) {
  const panes = element("div", { class: "panes", id: id("panes") });
  const filmstrips = element("div", { class: "filmstrips", id: id("filmstrips") });
  const cellWords = element("p", { class: "cell-words", id: id("cell-words") });
  const readout = element("p", { class: "readout-line", id: id("readout") });
  const pictures = element(
    "div",
    { class: "viewer-pictures" },
    panes,
    filmstrips,
    element("div", { class: "picture-lines" }, readout, cellWords),
  );
  const bar = element("div", { class: "region-bar", hidden: true });
  const controls = styleControls(id);
  const legend = colourLegend(id);
  const name = views.subject.name;
  const node = element(
    "section",
    {
      class: "viewer",
      "aria-label": name[0].toUpperCase() + name.slice(1),
      "data-clips": String(views.clips.length > 0),
    },
    pictures,
    bar,
    controls.node,
    legend.node,
    controls.displayControl,
  );
  return { ...controls, ...legend, node, panes, filmstrips, readout, cellWords, bar };
}

/** @param {MakeId} id */
function styleControls(id) {
  const mode = group("segments", "How the map is shown", id("mode"));
  const colours = group("swatches", "Colour map", id("colours"));
  const opacity = element("input", {
    type: "range",
    id: id("opacity"),
    min: 10,
    max: 100,
    step: 5,
    "aria-label": "Strength of the map",
  });
  const slider = element("label", { class: "slider" }, element("span", {}, "Strength"), opacity);
  const display = group("segments", "Display of the maps", id("display"));
  const displayControl = element("div", { class: "display-control" }, element("span", {}, "Display"), display);
  return {
    node: element("div", { class: "controls" }, mode, colours, slider),
    displayControl,
    mode,
    display,
    colours,
    opacity,
  };
}

/** @param {MakeId} id */
function colourLegend(id) {
  const ramp = element("div", { class: "ramp", id: id("ramp") });
  const [low, high] = [element("span", { id: id("low") }), element("span", { id: id("high") })];
  const rangeNote = element("span");
  const node = element(
    "div",
    { class: "legend", "aria-hidden": "true" },
    ramp,
    element("p", {}, low, rangeNote, high),
  );
  return { node, ramp, low, high, rangeNote };
}

/** @param {MakeId} id */
function textPanel(id) {
  const promptTitle = element("span", { class: "eyebrow", id: id("prompt-title") }, "Asked");
  const prompt = element("div", { class: "prompt", id: id("prompt"), dir: "auto" });
  const promptBlock = element(
    "div",
    { class: "prompt-block", id: id("prompt-block") },
    promptTitle,
    " ",
    prompt,
  );
  const answerTitle = element("p", { class: "eyebrow", id: id("answer-title") }, "Answered");
  const answer = element("div", {
    class: "answer",
    id: id("answer"),
    role: "group",
    "aria-labelledby": answerTitle.id,
    dir: "auto",
  });
  const verdictLegend = element("ul", {
    class: "verdict-legend",
    id: id("verdict-legend"),
    "aria-label": "What the words rest on",
  });
  const locationList = element("ul", { id: id("location-list") });
  const locations = element(
    "section",
    { class: "location-list", "aria-label": "Boxes and points in the answer" },
    locationList,
  );
  const hint = element("p", { class: "hint", id: id("hint") });
  const answerSlot = element("div", { class: "tool-slot" });
  const wordSlot = element("div", { class: "tool-slot" });
  const panel = element("section", { class: "region-panel", id: id("region"), hidden: true });
  const details = element("div", { class: "details", id: id("details") });
  const node = element(
    "article",
    { class: "text-panel" },
    promptBlock,
    answerTitle,
    answer,
    verdictLegend,
    locations,
    hint,
    answerSlot,
    panel,
    details,
  );
  const text = { promptTitle, prompt, promptBlock, answer, hint, details };
  return { node, ...text, verdictLegend, locations, locationList, panel, answerSlot, wordSlot };
}

const OVERVIEW_OF_ONE =
  "A word's bar is the highest value of its map, by one measure for all words. A dark picture means that other words have far brighter places.";
const OVERVIEW_OF_SEVERAL =
  "Each word over the picture that has most of its evidence. Its bar is the map's highest value, by one measure for all words.";

/**
 * @param {MakeId} id
 * @param {Views} views
 */
function overviewParts(id, views) {
  const overviewTitle = element("h2", { id: id("overview-title") });
  const intro = element(
    "p",
    { class: "intro" },
    views.several ? OVERVIEW_OF_SEVERAL : OVERVIEW_OF_ONE,
  );
  const tiles = element("div", { class: "tiles", id: id("tiles") });
  const node = element(
    "section",
    { class: "overview", "aria-hidden": "true" },
    overviewTitle,
    intro,
    tiles,
  );
  return { node, overviewTitle, tiles };
}

/**
 * @param {MakeId} id
 * @param {Views} views
 * @param {Applies} applies
 */
function footerParts(id, views, applies) {
  const provenance = element("dl", { class: "provenance", id: id("provenance") });
  const source = element("section", {}, element("h2", {}, "Where this comes from"), provenance);
  return { node: element("footer", {}, guide(views, applies), source), provenance };
}

/** @param {MakeId} id */
function helpDialog(id) {
  const title = element("h2", { id: id("help-title") }, "Keys");
  const keys = element("dl", { class: "keys", id: id("keys") });
  const close = element(
    "form",
    { method: "dialog" },
    element("button", { type: "submit" }, "Close"),
  );
  const help = element(
    "dialog",
    { id: id("help"), "aria-labelledby": title.id },
    title,
    keys,
    close,
  );
  return { node: help, help, keys };
}
