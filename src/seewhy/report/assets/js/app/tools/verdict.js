// Verdicts on demand: of one word, or of the whole answer.

import { showAt } from "./kept_word.js";

/** @import {Payload} from "../../report/payload.d.ts" */
/** @import {Desk} from "./desk.js" */
/** @import {Panel} from "./panel.js" */

/**
 * Why a word needs no verdict, or nothing.
 * @param {Payload} payload
 * @param {number} word
 */
export const verdictObstacle = ({ verdicts }, word) =>
  verdicts?.[word] ? "It has a verdict already: see below." : "";

/**
 * Have words diagnosed; the page keeps the word that is looked at.
 * @param {Desk} desk
 * @param {Panel} panel
 * @param {number[] | null} words null for all
 * @param {HTMLButtonElement[]} busy
 */
export async function runVerdicts(desk, panel, words, busy) {
  const { app, entry } = desk;
  const told = words ? { words } : {};
  const result = await panel.run({ kind: "diagnose", entry: entry.id, ...told }, busy);
  if (!result) return;
  const { payload } = await app.read(entry.id);
  const at = words ? words[0] : desk.report.word;
  const top = scrollY;
  await showAt(app, entry.id, at, desk.report.region);
  scrollTo({ top, behavior: "instant" });
  app.announce(spoken(payload, words));
}

/**
 * @param {Payload} payload
 * @param {number[] | null} words
 */
function spoken({ verdicts, words: { answer } }, words) {
  const made = (words ?? answer.map((_, word) => word)).filter((word) => verdicts?.[word]);
  if (words?.length === 1) {
    const verdict = verdicts?.[words[0]];
    const text = answer[words[0]].text.trim();
    return verdict
      ? `${text}: ${verdict.sentence}`
      : `“${text}” says nothing that could be checked, so it has no verdict.`;
  }
  return `${made.length} of ${answer.length} words have a verdict.`;
}
