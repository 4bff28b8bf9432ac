// The tables: habits, words, categories, roles and prompts. A row filters the list of words.

import { element } from "../shared/dom.js";
import { radios } from "../shared/radios.js";
import { label } from "../shared/text.js";
import { causeColumns, groupColumns } from "./columns.js";
import { NO_FILTERS, causeFits, causeKey, groupFits, isFiltered } from "./filters.js";
import { counted, thousands } from "./format.js";
import { ROWS_STEP } from "./state.js";
import { shownWords } from "./worst.js";

/** @import {Audit} from "./audit.js" */
/** @import {Column} from "./columns.js" */
/** @import {AuditCause, AuditGroup} from "./payload.d.ts" */
/** @import {Filters, TableName} from "./types.d.ts" */

/** @type {Record<TableName, string>} */
const NAMES = {
  cause: "Habits",
  word: "Words",
  category: "Categories",
  role: "Roles",
  prompt: "Prompts",
};

/** @type {Record<TableName, string>} */
const HEADS = {
  cause: "word",
  word: "word",
  category: "category",
  role: "role",
  prompt: "prompt",
};

/** @type {Record<TableName, string>} */
const INTROS = {
  cause:
    "Which word is said after which, without the picture. Ranked by the number of answers times how often it happens where it could.",
  word: "Words by their singular, the one that is most often unsupported first. Unsupported is a word with a support below 0.5.",
  category: "Words by the data set's own category.",
  role: "Words by what kind of word they are.",
  prompt: "Words by the prompt that was answered.",
};

/**
 * One row of any table: what it shows, and how it filters.
 * @typedef {object} Row
 * @property {string} value of the filter
 * @property {string} name
 * @property {string} title
 * @property {AuditCause | AuditGroup} data
 */

/** @param {Audit} audit */
export function connectTables(audit) {
  const { parts, state, tables } = audit;
  parts.tablesPart.hidden = !tables.length;
  const choices = tables.map((name) => ({ value: name, label: NAMES[name] }));
  audit.tableChoice = radios(parts.tableChoices, choices, state.table, (value) => {
    state.table = /** @type {TableName} */ (value);
    state.rows = ROWS_STEP;
    audit.changed();
  });
  parts.moreRows.addEventListener("click", () => {
    const drawn = parts.tableBody.children.length;
    state.rows = Infinity;
    renderTables(audit);
    parts.tableBody.children[drawn]?.querySelector("button")?.focus();
  });
}

/** @param {Audit} audit */
export function renderTables(audit) {
  const { parts, state, tables } = audit;
  if (!tables.length) return;
  const columns = columnsOf(audit);
  const rows = sorted(audit, columns);
  parts.tableIntro.textContent = INTROS[state.table] + hiddenRows(audit);
  renderNote(audit);
  parts.tableHead.replaceChildren(
    element(
      "tr",
      {},
      element("th", { scope: "col" }, HEADS[state.table]),
      ...columns.map((column, at) => head(audit, column, at)),
    ),
  );
  parts.tableBody.replaceChildren(
    ...rows.slice(0, state.rows).map((row) => bodyRow(audit, row, columns)),
    ...(rows.length ? [] : [noRows(columns.length + 1)]),
  );
  const left = Math.max(0, rows.length - state.rows);
  parts.moreRows.hidden = left === 0;
  parts.moreRows.textContent = `Show all ${thousands(rows.length)} rows`;
}

/**
 * What the filters leave of the list, which stands above.
 * @param {Audit} audit
 */
function renderNote(audit) {
  const { parts, state } = audit;
  parts.tableNote.hidden = !isFiltered(state.filters);
  if (parts.tableNote.hidden) return;
  const go = element("button", { type: "button" }, "Show them");
  go.addEventListener("click", () => audit.goToWorst());
  const clear = element("button", { type: "button" }, "Clear filters");
  clear.addEventListener("click", () => audit.filter({ ...NO_FILTERS }));
  const found = shownWords(audit).length;
  parts.tableNote.replaceChildren(
    element("span", {}, `${counted(found, "word")} in the list above fit the filters.`),
    ...(found ? [go] : []),
    clear,
  );
}

/**
 * @param {Audit} audit
 * @returns {Column<any>[]}
 */
function columnsOf({ payload, state }) {
  const hasTruth = (payload.tables.role ?? []).some(({ known }) => known);
  return state.table === "cause" ? causeColumns(hasTruth) : groupColumns(hasTruth);
}

/**
 * Rows that fit the filters, in the order of the payload or of a column.
 * @param {Audit} audit
 * @param {Column<any>[]} columns
 */
function sorted(audit, columns) {
  const rows = rowsOf(audit);
  const sort = audit.state.sorts[audit.state.table];
  if (!sort) return rows;
  const { sort: value } = columns[sort.column];
  const sign = sort.isRising ? 1 : -1;
  return rows.sort((a, b) => sign * compare(value(a.data), value(b.data)));
}

/**
 * @param {number | string} a
 * @param {number | string} b
 */
const compare = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));

/**
 * @param {Audit} audit
 * @returns {Row[]}
 */
function rowsOf({ payload, state }) {
  const { filters, table } = state;
  if (table === "cause") {
    return payload.causes
      .filter((cause) => causeFits(cause, filters))
      .map((data) => ({ value: causeKey(data), name: data.lemma, title: data.sentence, data }));
  }
  return payload.tables[table]
    .filter((group) => groupFits(table, group, filters))
    .map((data) => ({ value: data.key, name: data.key, title: "", data }));
}

/**
 * How many rows the page does not hold.
 * @param {Audit} audit
 */
function hiddenRows({ payload, state }) {
  const { causes, groups } = payload.totals;
  const isCause = state.table === "cause";
  const held = isCause ? payload.causes.length : payload.tables[state.table].length;
  const left = (isCause ? causes : groups[state.table]) - held;
  const notes = left > 0 ? [`The first ${thousands(held)}; ${thousands(left)} more are not here.`] : [];
  const uncounted = payload.totals.causes_left_out;
  if (isCause && uncounted) {
    notes.push(`${thousands(uncounted)} times a pair was one too many to be counted.`);
  }
  return notes.map((note) => ` ${note}`).join("");
}

/**
 * @param {Audit} audit
 * @param {Column<any>} column
 * @param {number} at
 */
function head(audit, { name, note, title, isText }, at) {
  const sort = audit.state.sorts[audit.state.table];
  const order = sort?.column !== at ? "none" : sort.isRising ? "ascending" : "descending";
  const button = element(
    "button",
    { type: "button", "data-column": at, onclick: () => sortBy(audit, at, name) },
    name,
  );
  return element(
    "th",
    { scope: "col", "aria-sort": order, title, class: isText ? "text" : null },
    button,
    note ? element("small", {}, note) : null,
  );
}

/**
 * Sort by a column, highest first; by the same one again in the other direction.
 * @param {Audit} audit
 * @param {number} at
 * @param {string} name
 */
function sortBy(audit, at, name) {
  const { parts, state } = audit;
  const before = state.sorts[state.table];
  const isRising = before?.column === at ? !before.isRising : false;
  state.sorts[state.table] = { column: at, isRising };
  renderTables(audit);
  /** @type {HTMLElement | null} */
  const button = parts.tableHead.querySelector(`button[data-column="${at}"]`);
  button?.focus();
  parts.live.textContent = `Sorted by ${name}, ${isRising ? "rising" : "falling"}.`;
}

/**
 * @param {Audit} audit
 * @param {Row} row
 * @param {Column<any>[]} columns
 */
function bodyRow(audit, row, columns) {
  const name = /** @type {keyof Filters} */ (audit.state.table);
  const isOn = audit.state.filters[name] === row.value;
  const button = element(
    "button",
    { type: "button", class: "row-name", "aria-pressed": String(isOn), title: row.title },
    label(row.name),
  );
  button.addEventListener("click", () => filterBy(audit, row.value));
  return element(
    "tr",
    { class: isOn ? "chosen" : null },
    element("th", { scope: "row" }, button),
    ...columns.map(({ cell, isText }) =>
      element("td", { class: isText ? "text" : null }, ...cell(row.data)),
    ),
  );
}

/**
 * Filter by a row, or no more if it is filtered by already.
 * @param {Audit} audit
 * @param {string} value
 */
function filterBy(audit, value) {
  const { filters, rows, table } = audit.state;
  const name = /** @type {"word"} */ (table);
  audit.filter({ [name]: filters[name] === value ? "" : value });
  // The same rows stay drawn, and the row keeps the focus.
  audit.state.rows = rows;
  renderTables(audit);
  const at = sorted(audit, columnsOf(audit)).findIndex((row) => row.value === value);
  audit.parts.tableBody.children[at]?.querySelector("button")?.focus();
}

/** @param {number} columns */
const noRows = (columns) =>
  element("tr", {}, element("td", { class: "text", colspan: columns }, "No row fits the filters."));
