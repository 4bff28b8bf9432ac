// The columns of the tables: what each shows, and by what it is sorted.

import { element } from "../shared/dom.js";
import { percent } from "../shared/text.js";
import { intervalBar, outOf, range, share, thousands } from "./format.js";

/** @import {Child} from "../shared/dom.js" */
/** @import {AuditCause, AuditGroup} from "./payload.d.ts" */

/**
 * A column.
 * @template Row
 * @typedef {object} Column
 * @property {string} name
 * @property {string} [note] under the name
 * @property {string} [title] what it is, in full
 * @property {boolean} [isText] whether it stands on the left
 * @property {(row: Row) => number | string} sort
 * @property {(row: Row) => Child[]} cell
 */

/**
 * The columns of a table of groups, behind the name.
 * @param {boolean} hasTruth
 * @returns {Column<AuditGroup>[]}
 */
export const groupColumns = (hasTruth) => [
  {
    name: "words",
    sort: ({ words }) => words,
    cell: ({ words }) => [thousands(words)],
  },
  {
    name: "answers",
    sort: ({ answers }) => answers,
    cell: ({ answers }) => [thousands(answers)],
  },
  {
    name: "unsupported",
    title: "How many words have a support below 0.5",
    sort: ({ unsupported }) => unsupported.count,
    cell: ({ unsupported }) => [thousands(unsupported.count)],
  },
  {
    name: "share unsupported",
    note: "95 % interval",
    sort: ({ unsupported }) => unsupported.value ?? -1,
    cell: ({ unsupported }) => rateCell(unsupported),
  },
  {
    name: "mean support",
    sort: ({ support }) => support,
    cell: ({ support }) => [percent(support)],
  },
  ...(hasTruth ? [truthColumn()] : []),
];

/**
 * @returns {Column<{known: number, untrue: number}>}
 */
const truthColumn = () => ({
  name: "not true",
  note: "of those known",
  sort: ({ known, untrue }) => (known ? untrue / known : -1),
  cell: ({ known, untrue }) => [known ? `${thousands(untrue)} of ${thousands(known)}` : "–"],
});

/**
 * The columns of the table of causes, behind the word.
 * @param {boolean} hasTruth
 * @returns {Column<AuditCause>[]}
 */
export const causeColumns = (hasTruth) => [
  {
    name: "is said after",
    isText: true,
    sort: ({ follows }) => follows,
    cell: ({ follows, part }) => [
      follows
        ? element("b", { class: "word" }, follows)
        : element("span", { class: "faint" }, "no single word"),
      part === "prompt" ? element("span", { class: "faint" }, " of the prompt") : null,
    ],
  },
  {
    name: "answers",
    title: "Answers that show it, of those that hold the earlier word",
    sort: ({ rate }) => rate.count,
    cell: ({ rate }) => [outOf(rate)],
  },
  {
    name: "how often",
    note: "95 % interval",
    sort: ({ rate }) => rate.value ?? -1,
    cell: ({ rate }) => rateCell(rate, "words"),
  },
  ...(hasTruth ? [truthColumn()] : []),
  {
    name: "a habit",
    title: "More frequent than an ordinary word is said without the picture",
    sort: ({ habit }) => Number(habit),
    cell: ({ habit }) => [habit ? "yes" : "perhaps chance"],
  },
];

/**
 * @param {import("./payload.d.ts").AuditRate} rate
 * @param {string | null} [source]
 */
const rateCell = (rate, source = null) => [
  element(
    "span",
    { class: "rate-cell" },
    intervalBar(rate, source),
    element("span", {}, share(rate.value), element("small", {}, range(rate))),
  ),
];
