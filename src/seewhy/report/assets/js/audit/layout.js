// The audit page's parts, empty: what is drawn into them later is drawn by other modules.

import { element } from "../shared/dom.js";
import { choice, scrolling, section, topBar } from "../shared/sections.js";

/** @import {MakeId} from "../shared/sections.js" */
/** @import {AuditPayload} from "./payload.d.ts" */
/** @typedef {ReturnType<typeof layout>} Parts */

/**
 * @param {MakeId} id
 * @param {AuditPayload} payload
 */
export function layout(id, payload) {
  const [top, hero, sources] = [topBar(id, "audit"), heroParts(id), sourceParts(id)];
  const [worst, tables, truth] = [worstParts(id), tableParts(id), truthParts(id)];
  const [reasons, made] = [reasonParts(id), madeParts(id, payload)];
  const live = element("div", { class: "visually-hidden", id: id("live"), "aria-live": "polite" });
  const skip = element(
    "a",
    { class: "skip-link", href: `#${id("worst-title")}` },
    "Skip to the worst words",
  );
  const sections = [hero, sources, worst, tables, truth, reasons, made].map(({ node }) => node);
  const nodes = [skip, top.node, element("main", {}, ...sections), live];
  return {
    ...top,
    ...hero,
    ...sources,
    ...worst,
    ...tables,
    ...truth,
    ...reasons,
    ...made,
    live,
    nodes,
  };
}

/** @param {MakeId} id */
function heroParts(id) {
  const finding = element("h1", { id: id("finding") });
  const lead = element("p", { class: "lead", id: id("lead") });
  const heroTools = element("p", { class: "hero-tools", id: id("hero-tools") });
  const node = element(
    "section",
    { class: "hero", "aria-labelledby": finding.id },
    finding,
    lead,
    heroTools,
  );
  return { node, finding, lead, heroTools };
}

/** @param {MakeId} id */
function sourceParts(id) {
  const sourceBar = element("div", { class: "source-bar", "aria-hidden": "true" });
  const sourceList = element("ul", { class: "source-list", id: id("sources") });
  const hint = element(
    "p",
    { class: "hint" },
    "The thin line over each bar is the 95 % interval, with the words of one answer taken together. A source filters the words below.",
  );
  const node = section(id, "sources", "What the words rest on", sourceBar, sourceList, hint);
  return { node, sourcesPart: node, sourceBar, sourceList };
}

/** @param {MakeId} id */
function worstParts(id) {
  const filterBar = filterParts(id);
  const chips = element("div", { class: "chips", id: id("chips"), hidden: true });
  const count = element("p", { class: "count", id: id("count") });
  const pictures = element("div", {
    class: "segments",
    role: "radiogroup",
    "aria-label": "Pictures",
    id: id("pictures"),
  });
  const order = element("div", {
    class: "segments",
    role: "radiogroup",
    "aria-label": "Order",
    id: id("order"),
  });
  const head = element(
    "div",
    { class: "list-head" },
    count,
    element("div", { class: "list-tools" }, order, pictures),
  );
  const worst = element("ol", { class: "worst", id: id("worst") });
  const more = element("button", { type: "button", class: "more", id: id("more") });
  const node = section(
    id,
    "worst",
    "The worst words first",
    filterBar.node,
    chips,
    head,
    worst,
    more,
    keyHint(),
  );
  node.querySelector("h2")?.setAttribute("tabindex", "-1");
  return { ...filterBar, node, worstPart: node, chips, count, pictures, order, worst, more };
}

function keyHint() {
  const keys = [
    ["J", "next word"],
    ["K", "word before"],
    ["M", "map, picture, or each map alone"],
    ["/", "find a word"],
    ["D", "light or dark"],
  ];
  const parts = keys.flatMap(([key, does]) => [element("kbd", {}, key), `${does} `]);
  return element("p", { class: "hint key-hint" }, ...parts);
}

/** @param {MakeId} id */
function filterParts(id) {
  const find = element("input", { type: "search", id: id("find"), autocomplete: "off" });
  const source = choice(id, "filter-source", "Rests on");
  const role = choice(id, "filter-role", "Role");
  const cause = choice(id, "filter-cause", "Habit");
  const truth = choice(id, "filter-truth", "Truth");
  const from = supportInput(id, "from", "lowest");
  const to = supportInput(id, "to", "highest");
  const support = element(
    "fieldset",
    { class: "range" },
    element("legend", {}, "Support"),
    from,
    element("span", { "aria-hidden": "true" }, "to"),
    to,
  );
  const clear = element("button", { type: "button", id: id("clear") }, "Clear filters");
  const node = element(
    "form",
    { class: "choices filters", id: id("filters"), role: "search" },
    element("label", {}, "Find a word ", find),
    cause.label,
    source.label,
    role.label,
    truth.label,
    support,
    clear,
  );
  return {
    node,
    form: node,
    find,
    filterSource: source.select,
    filterRole: role.select,
    filterCause: cause.select,
    filterTruth: truth.select,
    truthLabel: truth.label,
    causeLabel: cause.label,
    from,
    to,
    clear,
  };
}

/**
 * @param {MakeId} id
 * @param {string} name
 * @param {string} label
 */
const supportInput = (id, name, label) =>
  element("input", {
    type: "number",
    id: id(name),
    min: "0",
    max: "1",
    step: "0.05",
    inputmode: "decimal",
    "aria-label": `${label} support, from 0 to 1`,
  });

/** @param {MakeId} id */
function tableParts(id) {
  const choices = element("div", {
    class: "segments",
    role: "radiogroup",
    "aria-label": "Table",
    id: id("tables"),
  });
  const tableIntro = element("p", { class: "intro", id: id("table-intro") });
  const tableNote = element("p", { class: "table-note", id: id("table-note"), hidden: true });
  const [tableHead, tableBody] = [element("thead"), element("tbody")];
  const table = element("table", { class: "groups", id: id("table") }, tableHead, tableBody);
  const moreRows = element("button", { type: "button", class: "more", id: id("more-rows") });
  const node = section(
    id,
    "tables",
    "Counted over all words",
    choices,
    tableIntro,
    tableNote,
    scrolling(id("tables-title"), table),
    moreRows,
  );
  return {
    node,
    tablesPart: node,
    tableChoices: choices,
    tableIntro,
    tableNote,
    tableHead,
    tableBody,
    moreRows,
  };
}

/** @param {MakeId} id */
function truthParts(id) {
  const truth = element("div", { class: "truth", id: id("truth") });
  const node = section(id, "truth", "Against the truth", truth);
  return { node, truthPart: node, truth };
}

/** @param {MakeId} id */
function reasonParts(id) {
  const intro = element("p", { class: "intro", id: id("reasons-intro") });
  const reasons = element("table", { class: "reasons", id: id("reasons") });
  const node = section(
    id,
    "reasons",
    "Rows that could not be used",
    intro,
    scrolling(id("reasons-title"), reasons),
  );
  return { node, reasonsPart: node, reasonsIntro: intro, reasons };
}

/**
 * @param {MakeId} id
 * @param {AuditPayload} payload
 */
function madeParts(id, { files }) {
  const provenance = element("dl", { class: "provenance", id: id("provenance") });
  const links = Object.entries(files).map(([name, href]) =>
    element("a", { href, download: "", class: "file" }, name),
  );
  const attributes = { class: "files", id: id("files"), hidden: !links.length };
  const downloads = element("p", attributes, ...links);
  const node = section(id, "provenance", "Where this comes from", downloads, provenance);
  return { node, provenance };
}
