// The bench page's parts, empty: what is drawn into them later is drawn by other modules.

import { element } from "../shared/dom.js";
import { choice, scrolling, section, topBar } from "../shared/sections.js";

/** @import {MakeId} from "../shared/sections.js" */
/** @typedef {ReturnType<typeof layout>} Parts */

const QUESTION = "Which explanation tells the truth?";

/** @param {MakeId} id */
export function layout(id) {
  const [top, table, chart] = [barParts(id), tableParts(id), chartParts(id)];
  const [curves, groups, cases] = [curveParts(id), groupParts(id), caseParts(id)];
  const [reasons, source] = [reasonParts(id), sourceParts(id)];
  const sections = [table, chart, curves, groups, cases, reasons, source].map(({ node }) => node);
  const live = element("div", { class: "visually-hidden", id: id("live"), "aria-live": "polite" });
  const skip = element("a", { class: "skip-link", href: `#${id("table")}` }, "Skip to the table");
  const nodes = [skip, top.node, element("main", {}, ...sections), live];
  return {
    ...top,
    ...table,
    ...chart,
    ...curves,
    ...groups,
    ...cases,
    ...reasons,
    ...source,
    live,
    nodes,
  };
}

/** @param {MakeId} id */
function barParts(id) {
  const views = element("div", {
    class: "segments",
    role: "radiogroup",
    "aria-label": "Model and data",
    id: id("views"),
  });
  return { ...topBar(id, "bench", views), views };
}

/** @param {MakeId} id */
function tableParts(id) {
  const answer = element("p", { class: "answer", id: id("answer") });
  const elsewhere = element("p", { class: "intro", id: id("elsewhere") });
  const intro = element("p", { class: "intro", id: id("intro") });
  const metrics = element("div", {
    class: "metric-choices",
    role: "group",
    "aria-label": "Metrics shown",
    id: id("metrics"),
  });
  const [tableHead, tableBody] = [element("thead"), element("tbody")];
  const heading = element("h1", { id: id("table-title") }, QUESTION);
  const table = element("table", { class: "figures", id: id("table") }, tableHead, tableBody);
  const node = element(
    "section",
    { "aria-labelledby": heading.id },
    heading,
    answer,
    elsewhere,
    intro,
    metrics,
    scrolling(heading.id, table),
    tableHint(),
  );
  return { node, answer, elsewhere, intro, metrics, tableHead, tableBody };
}

function tableHint() {
  const star = element("span", { class: "star" }, "*");
  return element(
    "p",
    { class: "hint" },
    "A head sorts, by click or by Enter. ",
    element("b", {}, "Bold"),
    " is the best of a column; ",
    star,
    " differs from the reference, the interval of the paired difference leaving out 0: point at a cell for it.",
  );
}

/** @param {MakeId} id */
function chartParts(id) {
  const [quality, cost] = [choice(id, "quality", "Quality"), choice(id, "cost", "Cost")];
  const chart = element("div", {
    class: "plot",
    id: id("cost-chart"),
    tabindex: "0",
    role: "group",
    "aria-labelledby": id("cost-chart-title"),
  });
  const choices = element("p", { class: "choices" }, quality.label, " ", cost.label);
  const node = section(id, "cost-chart", "Quality against cost", choices, chart);
  return { node, quality: quality.select, cost: cost.select, chart };
}

/** @param {MakeId} id */
function curveParts(id) {
  const curveMethods = element("div", {
    class: "keys",
    role: "group",
    "aria-label": "Methods drawn",
    id: id("curve-methods"),
  });
  const curves = element("div", { class: "plots", id: id("curves") });
  const node = section(id, "curves", "Curves", curveMethods, curves);
  return { node, curvesPart: node, curveMethods, curves };
}

/** @param {MakeId} id */
function groupParts(id) {
  const [figure, kind] = [choice(id, "figure", "Figure"), choice(id, "kind", "Grouped by")];
  const groups = element("table", { id: id("groups") });
  const choices = element("p", { class: "choices" }, figure.label, " ", kind.label);
  const node = section(
    id,
    "groups",
    "By kind of word",
    choices,
    scrolling(id("groups-title"), groups),
  );
  return { node, groupsPart: node, figure: figure.select, kind: kind.select, groups };
}

/** @param {MakeId} id */
function caseParts(id) {
  const casesIntro = element("p", { class: "intro", id: id("cases-intro") });
  const cases = element("div", { id: id("cases") });
  const node = section(id, "cases", "Cases", casesIntro, cases);
  return { node, casesPart: node, casesIntro, cases };
}

/** @param {MakeId} id */
function reasonParts(id) {
  const reasons = element("div", { class: "reason-groups", id: id("reasons") });
  const reasonsIntro = element("p", { class: "intro", id: id("reasons-intro") });
  const node = section(id, "reasons", "Without a value", reasonsIntro, reasons);
  return { node, reasonsPart: node, reasonsIntro, reasons };
}

/** @param {MakeId} id */
function sourceParts(id) {
  const provenance = element("dl", { class: "provenance", id: id("provenance") });
  return { node: section(id, "provenance", "Where this comes from", provenance), provenance };
}
