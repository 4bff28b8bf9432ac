// The filters that a person sets by hand, and those that tables set, as chips.

import { element } from "../shared/dom.js";
import { fillSelect } from "../shared/select.js";
import { SOURCES, meaning } from "../shared/verdict_marks.js";
import { NO_FILTERS, causeKey, causeName, isFiltered } from "./filters.js";
import { markSource } from "./finding.js";

/** @import {Audit} from "./audit.js" */
/** @import {Filters, TruthFilter} from "./types.d.ts" */

/** @type {[string, string][]} */
const TRUTHS = [
  ["", "any"],
  ["untrue", "not true"],
  ["true", "true"],
  ["unknown", "not known"],
];

/** Filters that only a click on a row sets. @type {[keyof Filters, string][]} */
const CHIPS = [
  ["word", "word"],
  ["category", "category"],
  ["prompt", "prompt"],
];

/** @param {Audit} audit */
export function connectFilters(audit) {
  const { parts, payload } = audit;
  const words = payload.tables.word ?? [];
  fillSelect(parts.filterSource, [["", "anything"], ...sourcesOf(audit)]);
  fillSelect(parts.filterRole, withAny((payload.tables.role ?? []).map(({ key }) => [key, key])));
  fillSelect(parts.filterTruth, TRUTHS);
  parts.truthLabel.hidden = !words.some(({ known }) => known);
  parts.causeLabel.hidden = !payload.causes.length;
  parts.form.addEventListener("submit", (event) => event.preventDefault());
  // Text while it is typed, choices once they are made: drawing again when a field is left would
  // take away what is being clicked.
  const isText = (/** @type {Event} */ { target }) => target instanceof HTMLInputElement;
  for (const kind of ["input", "change"]) {
    parts.form.addEventListener(kind, (event) => {
      if (isText(event) === (kind === "input")) audit.filter(entered(audit));
    });
  }
  parts.clear.addEventListener("click", () => {
    audit.filter({ ...NO_FILTERS });
    parts.find.focus();
  });
}

/**
 * Show the filters as they are.
 * @param {Audit} audit
 */
export function renderFilters(audit) {
  const { parts, state } = audit;
  const { filters } = state;
  fillSelect(parts.filterCause, causesOf(audit), "");
  const selects = { filterSource: "source", filterRole: "role", filterCause: "cause" };
  for (const [part, name] of Object.entries({ ...selects, filterTruth: "truth" })) {
    const select = parts[/** @type {"filterRole"} */ (part)];
    const value = String(filters[/** @type {keyof Filters} */ (name)]);
    // The address may name what is not offered: it is shown all the same.
    if (![...select.options].some((option) => option.value === value)) {
      select.append(element("option", { value }, value));
    }
    select.value = value;
  }
  if (parts.find.value.trim() !== filters.find.trim()) parts.find.value = filters.find;
  for (const name of /** @type {const} */ (["from", "to"])) {
    // A number that is being typed is left alone.
    if (parts[name] !== document.activeElement) parts[name].value = String(filters[name]);
  }
  parts.clear.hidden = !isFiltered(filters);
  renderChips(audit);
  markSource(audit);
}

/**
 * The filters that are entered in the form.
 * @param {Audit} audit
 * @returns {Partial<Filters>}
 */
function entered({ parts }) {
  return {
    find: parts.find.value,
    source: parts.filterSource.value,
    role: parts.filterRole.value,
    cause: parts.filterCause.value,
    truth: /** @type {TruthFilter} */ (parts.filterTruth.value),
    from: within(parts.from.value, NO_FILTERS.from),
    to: within(parts.to.value, NO_FILTERS.to),
  };
}

/**
 * @param {string} text
 * @param {number} fallback
 */
const within = (text, fallback) =>
  text === "" || Number.isNaN(Number(text)) ? fallback : Math.min(Math.max(Number(text), 0), 1);

/** @param {Audit} audit */
function renderChips(audit) {
  const { filters } = audit.state;
  const set = CHIPS.filter(([name]) => filters[name]);
  audit.parts.chips.hidden = !set.length;
  audit.parts.chips.replaceChildren(
    ...set.map(([name, label]) => {
      const value = String(filters[name]);
      const remove = `Remove the filter ${label}: ${value}`;
      const chip = element(
        "button",
        { type: "button", class: "chip", "data-filter": name, "aria-label": remove },
        `${label}: `,
        element("b", {}, value),
        element("span", { "aria-hidden": "true" }, " ×"),
      );
      chip.addEventListener("click", () => audit.filter({ [name]: "" }));
      return chip;
    }),
  );
}

/**
 * @param {Audit} audit
 * @returns {[string, string][]}
 */
function sourcesOf({ payload }) {
  const names = Object.keys({ ...SOURCES, ...payload.sources });
  return names.filter((name) => payload.sources[name]?.count).map((name) => [name, meaning(name)]);
}

/**
 * @param {Audit} audit
 * @returns {[string, string][]}
 */
function causesOf({ payload }) {
  return withAny(payload.causes.map((cause) => [causeKey(cause), causeName(causeKey(cause))]));
}

/**
 * @param {[string, string][]} pairs
 * @returns {[string, string][]}
 */
const withAny = (pairs) => [["", "any"], ...pairs];
