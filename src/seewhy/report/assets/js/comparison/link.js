// Deep links: what is looked at, in the page's address (#word=2&pair=AC&scale=word&view=1).

import { LETTERS } from "./model.js";

/** @import {Comparison} from "./comparison.js" */

/** @param {Comparison} comparison */
export function writeLink(comparison) {
  const { options, state } = comparison;
  if (!options.deepLinks) return;
  const pair = state.pair || state.isSwapped ? `&pair=${comparison.lettersOfPair().join("")}` : "";
  const scale = state.scale === "answer" ? "" : `&scale=${state.scale}`;
  const view = state.view === null ? "" : `&view=${state.view}`;
  try {
    history.replaceState(null, "", `#word=${state.row}${pair}${scale}${view}`);
  } catch {
    // A frame without an address of its own refuses; the page works without.
  }
}

/**
 * Look at what the address names.
 * @param {Comparison} comparison
 * @returns {boolean} whether it names a word that is there
 */
export function readLink({ model, state }) {
  const fields = new URLSearchParams(location.hash.slice(1));
  const row = numberIn(fields.get("word"));
  if (row === null || row >= model.rows.length) return false;
  Object.assign(state, { row, fixed: row });
  const [first, second] = Array.from(fields.get("pair") ?? "", (one) => LETTERS.indexOf(one));
  const pair = model.pairs.findIndex(
    ({ columns }) => columns.includes(first) && columns.includes(second) && first !== second,
  );
  if (pair >= 0) Object.assign(state, { pair, isSwapped: first > second });
  if (fields.get("scale") === "word") state.scale = "word";
  const view = numberIn(fields.get("view"));
  if (view !== null && view < Math.max(...model.columns.map(({ views }) => views.length))) {
    state.view = view;
  }
  return true;
}

/** @param {string | null} text */
const numberIn = (text) => (/^\d{1,6}$/u.test(text ?? "") ? Number(text) : null);
