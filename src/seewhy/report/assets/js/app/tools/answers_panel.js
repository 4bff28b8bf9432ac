// Two answers, before and after a change: both pictures, both texts, what went and what came.

import { element } from "../../shared/dom.js";
import { answerText } from "./answer_text.js";
import { showAt } from "./kept_word.js";
import { Panel } from "./panel.js";
import { toolButton } from "./parts.js";

/** @import {AnswerChange, ChangedResult, Entry} from "../types.d.ts" */
/** @import {Payload} from "../../report/payload.d.ts" */
/** @import {Desk} from "./desk.js" */

/**
 * @param {Desk} desk
 * @param {ChangedResult} result
 * @param {{view?: number | null, opener: HTMLElement | null}} shown the view whose pictures are shown,
 *   where they differ
 */
export async function showAnswers(desk, result, { view = null, opener }) {
  const { app } = desk;
  const [before, after] = await Promise.all(
    [result.before.id, result.entry.id].map((id) => app.read(id)),
  );
  if (desk.signal.aborted) return;
  const { gone, come, stayed } = counted(result.diff);
  /** @param {number} word */
  const openAt = (word) => showAt(app, result.entry.id, word);
  const panel = new Panel(
    desk,
    { name: "answers", title: "Before and after", holder: desk.place, opener },
    element("p", { class: "answers-change" }, result.entry.change ?? ""),
    element(
      "div",
      { class: "answers-columns" },
      column("Before", result.before, before.payload, gone, "del", (word) => desk.report.chooseWord(word)),
      column("After", result.entry, after.payload, come, "ins", openAt),
    ),
    summary(before.payload, after.payload, gone, come, stayed),
    element(
      "div",
      { class: "tool-actions" },
      toolButton("Open the new answer", () => showAt(app, result.entry.id, null), { kind: "primary" }),
      ...opened(desk, result.before),
    ),
  );
  if (view !== null) await addPictures(panel, desk, result, view);
  panel.reach();
  app.announce(panel.node.querySelector(".answers-summary")?.textContent ?? "");
}

/**
 * The answer before is shown already, unless it is another.
 * @param {Desk} desk
 * @param {Entry} before
 */
const opened = (desk, before) =>
  before.id === desk.entry.id
    ? []
    : [toolButton("Open the answer before", () => showAt(desk.app, before.id, null))];

/** @param {AnswerChange[]} diff */
function counted(diff) {
  /** @param {AnswerChange["kind"]} kind @param {"before" | "after"} side */
  const words = (kind, side) =>
    new Set(diff.filter((one) => one.kind === kind).flatMap((one) => one[side]));
  return {
    gone: words("removed", "before"),
    come: words("added", "after"),
    stayed: words("same", "before").size,
  };
}

/**
 * @param {string} title
 * @param {Entry} entry
 * @param {Payload} payload
 * @param {Set<number>} marked words that only this answer has
 * @param {"del" | "ins"} tag
 * @param {(word: number) => void} choose
 */
function column(title, entry, payload, marked, tag, choose) {
  return element(
    "figure",
    { class: "answers-column", "data-side": tag },
    element("figcaption", { class: "eyebrow" }, title),
    element("p", { class: "answers-prompt", dir: "auto" }, entry.prompt),
    answerText(payload, marked, tag, choose),
  );
}

/**
 * What went and what came, in words.
 * @param {Payload} before
 * @param {Payload} after
 * @param {Set<number>} gone
 * @param {Set<number>} come
 * @param {number} stayed
 */
function summary(before, after, gone, come, stayed) {
  const kept = `${stayed} word${stayed === 1 ? "" : "s"} stayed.`;
  if (!gone.size && !come.size)
    return element("p", { class: "answers-summary" }, `The answer is the same, word for word.`);
  return element(
    "p",
    { class: "answers-summary" },
    gone.size ? element("span", {}, "Went: ", element("b", {}, listed(before, gone)), ". ") : null,
    come.size ? element("span", {}, "Came: ", element("b", {}, listed(after, come)), ". ") : null,
    kept,
  );
}

const MOST_LISTED = 12;

/**
 * @param {Payload} payload
 * @param {Set<number>} words
 */
function listed({ words: { answer } }, words) {
  const all = [...words].map((word) => answer[word].text.trim());
  // Marks are struck out in the text, and would only be in the way here.
  const named = all.filter((text) => /[\p{L}\p{N}]/u.test(text));
  const texts = named.length ? named : all;
  const shown = texts.slice(0, MOST_LISTED).join(", ");
  return texts.length > MOST_LISTED ? `${shown} and ${texts.length - MOST_LISTED} more` : shown;
}

/**
 * @param {Panel} panel
 * @param {Desk} desk
 * @param {ChangedResult} result
 * @param {number} view
 */
async function addPictures(panel, { app }, { before, entry }, view) {
  const columns = [...panel.node.querySelectorAll(".answers-column")];
  const names = ["The picture before", "The picture after"];
  await Promise.all(
    [before.id, entry.id].map(async (id, i) => {
      const path = `/api/entries/${encodeURIComponent(id)}/picture/${view}`;
      const image = element("img", { src: await app.transport.address(path), alt: names[i] });
      columns[i].querySelector("figcaption")?.after(image);
    }),
  );
}
