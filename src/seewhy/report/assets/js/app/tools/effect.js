// What each word loses when a region is changed, beside what its map says.

import { element } from "../../shared/dom.js";
import { clamp, label, percent } from "../../shared/text.js";
import { note } from "./parts.js";

/** @import {Change, ChangedWord} from "../types.d.ts" */
/** @import {RegionData} from "../../shared/regions.js" */
/** @import {Desk} from "./desk.js" */
/** A word with what the change did to it, and what its map says.
 * @typedef {ChangedWord & {text: string, control?: number | null, repeats?: number | null, share: number, amount: number}} Row */
/** @typedef {{region: RegionData, change: Change}} Told */

const MOST_ROWS = 8;
const NOTHING = 0.1; // nats: less is next to nothing
const LEAST_SHOWN = 0.005; // nats: with two decimals, less is 0
const MUCH_OF_MAP = 0.4;
/** @type {Record<Change, string>} */
const TITLES = {
  erase: "Without this place",
  keep: "With this place alone",
  move: "With this place moved",
};

/**
 * @param {Desk} desk
 * @param {Told} told
 * @param {import("../types.d.ts").EffectResult & {notes?: string[]}} result
 */
export async function effectResult(desk, told, result) {
  const { payload } = await desk.app.read(desk.entry.id);
  const shares = desk.report.wordsFrom(told.region);
  /** @type {Row[]} */
  const rows = result.words.map((one) => ({
    ...one,
    ...shares[one.word],
    text: label(payload.words.answer[one.word].text),
  }));
  const sorted = [...rows].sort((a, b) => beyond(b) - beyond(a));
  const most = Math.max(...rows.map(({ lost }) => lost), NOTHING);
  const tints = payload.words.answer.map(() => 0);
  for (const { word, lost } of rows) tints[word] = clamp(lost / most);
  desk.report.setTints(tints);
  const address = await desk.app.transport.address(result.picture);
  const title = element("h4", { tabindex: "-1" }, TITLES[told.change]);
  return [
    element(
      "div",
      { class: "effect-head" },
      element("img", { src: address, alt: "The changed picture, as the model was shown it" }),
      element("div", {}, title, ...summary(sorted, told.change).map((text) => element("p", {}, text))),
    ),
    table(sorted),
    ...(result.notes ?? []).map((text) => note(text)),
    note(
      "The words before a word are kept as they were. “Elsewhere” is what it loses if as much is changed at other places. A nat is a factor of 2.7 in probability. The words of the answer are tinted by what they lost.",
    ),
  ];
}

/**
 * What a word lost by this place, and not by any change.
 * @param {Row} row
 */
const beyond = ({ lost, control }) => lost - (control ?? 0);

/**
 * What happened, and where maps and change disagree.
 * @param {Row[]} sorted
 * @param {Change} change
 */
function summary(sorted, change) {
  const [first] = sorted;
  if (!first) return ["The answer has no words."];
  const happened =
    beyond(first) < NOTHING
      ? "No word loses more than it does by a change elsewhere."
      : `“${first.text}” falls from ${percent(Math.exp(first.before))} to ${percent(Math.exp(first.after))}.`;
  // A region that is kept alone is not taken away: there maps and losses are not the same question.
  return change === "erase" ? [happened, ...disagreements(sorted)] : [happened];
}

/** @param {Row[]} rows */
function disagreements(rows) {
  const bright = rows.filter((row) => row.share >= MUCH_OF_MAP && beyond(row) < NOTHING);
  const repeated = bright.filter(({ repeats }) => repeats !== null && repeats !== undefined);
  const own = bright.filter((row) => !repeated.includes(row));
  return [
    own.length
      ? `The map says more than the change for ${quoted(own)}: much of the map lies here, and next to nothing is lost.`
      : "",
    repeated.length
      ? `A later ${quoted(repeated)} can follow from the first: much of its map lies here, and next to nothing is lost.`
      : "",
  ].filter(Boolean);
}

/** @param {Row[]} rows */
function quoted(rows) {
  const texts = [...new Set(rows.map(({ text }) => `“${text}”`))];
  const shown = texts.slice(0, 3).join(", ");
  return texts.length > 3 ? `${shown} and ${texts.length - 3} more` : shown;
}

/** @param {Row[]} sorted */
function table(sorted) {
  const most = Math.max(...sorted.map(({ lost }) => Math.abs(lost)), NOTHING);
  const body = element("tbody", {}, ...sorted.map((row, i) => tableRow(row, most, i >= MOST_ROWS)));
  const head = ["Word", "Probability", "Lost, nats", "Elsewhere", "Map here"].map((text, i) =>
    element("th", { scope: "col", class: i === 2 ? "wide" : null }, text),
  );
  const all = element("table", { class: "effect-table" }, element("thead", {}, element("tr", {}, ...head)), body);
  const rest = sorted.length - MOST_ROWS;
  if (rest <= 0) return all;
  const more = element("button", { type: "button", class: "tool small" }, `Show all ${sorted.length} words`);
  more.addEventListener("click", () => {
    for (const row of body.rows) row.hidden = false;
    more.remove();
  });
  return element("div", {}, all, more);
}

/**
 * @param {Row} row
 * @param {number} most
 * @param {boolean} isHidden
 */
function tableRow(row, most, isHidden) {
  const { before, after, lost, control, share, text } = row;
  const isGain = lost <= -LEAST_SHOWN;
  const bar = element("i", {
    class: isGain ? "gain" : "loss",
    "aria-hidden": "true",
    "--strength": clamp(Math.abs(lost) / most).toFixed(4),
  });
  return element(
    "tr",
    { hidden: isHidden, "data-word": row.word, class: Math.abs(beyond(row)) < NOTHING ? "nothing" : null },
    element("th", { scope: "row", dir: "auto" }, text),
    element(
      "td",
      { class: "fall" },
      element("span", {}, `${percent(Math.exp(before))} →`),
      " ",
      element("span", {}, percent(Math.exp(after))),
    ),
    element("td", { class: "wide" }, element("span", {}, isGain ? `gained ${nats(-lost)}` : nats(lost)), bar),
    element("td", {}, typeof control === "number" ? signed(control) : "–"),
    element("td", {}, percent(share)),
  );
}

/** @param {number} x */
const nats = (x) => (x < LEAST_SHOWN ? "0" : x.toFixed(2));

/** @param {number} x */
const signed = (x) => (x < 0 && nats(-x) !== "0" ? `−${nats(-x)}` : nats(Math.max(x, 0)));
